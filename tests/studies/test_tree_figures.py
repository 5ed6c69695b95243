"""Figures of the decision trees."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data import load_data
from kerasnets.studies import grow_trees
from kerasnets.studies.tree_figures import depth_curves, heat_maps


@pytest.fixture(scope="module")
def trees():
    data = load_data("rain-simulated", rows=1_000)
    return grow_trees(data, (3, 10, 6), (2, 20, 50), (1, 4), progress=False)


def test_depth_curves_show_both_leaf_sizes(trees):
    auc, nodes = depth_curves(trees).axes
    table = trees.table[trees.table["min_samples_split"] == 2].sort_values("max_depth")
    for axes, columns in ((auc, ["train_auc", "validation_auc"]), (nodes, ["nodes"])):
        expected = [
            table[table["min_samples_leaf"] == leaf][column]
            for leaf in (1, 4)
            for column in columns
        ]
        assert len(axes.get_lines()) == len(expected)
        for line, values in zip(axes.get_lines(), expected, strict=True):
            assert list(line.get_xdata()) == [3, 6, 10]
            assert list(line.get_ydata()) == list(values)
    labels = [text.get_text() for text in auc.get_legend().get_texts()]
    assert labels[0] == "train, min_samples_leaf 1"
    assert labels[-1] == "validation, min_samples_leaf 4"


def test_heat_maps_show_each_combination_in_its_cell(trees):
    figure = heat_maps(trees)
    assert "max_depth 10" in figure.texts[0].get_text()
    assert "simulated, not measured" in " ".join(text.get_text() for text in figure.texts)
    rows = trees.table[trees.table["max_depth"] == 10]
    for axes, part in zip(figure.axes, ("train", "validation"), strict=True):
        shown = np.asarray(axes.images[0].get_array())
        assert shown.shape == (3, 2)
        for (row, column), value in np.ndenumerate(shown):
            cell = (rows["min_samples_split"] == (2, 20, 50)[row]) & (
                rows["min_samples_leaf"] == (1, 4)[column]
            )
            assert value == rows.loc[cell, f"{part}_auc"].item()
        assert len({text.get_text() for text in axes.texts}) > 2
        assert [text.get_text() for text in axes.get_yticklabels()] == ["2", "20", "50"]


def test_a_grid_without_the_settings_of_s3_is_drawn_too():
    data = load_data("rain-simulated", rows=1_000)
    single = grow_trees(data, (3,), (2,), (2,), progress=False)
    assert len(depth_curves(single).axes[0].get_lines()) == 2
    assert "max_depth 3" in heat_maps(single).texts[0].get_text()


def test_settings_outside_the_grid_are_refused(trees):
    with pytest.raises(ValueError, match=r"max_depth must be one of \[3, 10, 6\], got 5"):
        heat_maps(trees, max_depth=5)
    with pytest.raises(ValueError, match=r"min_samples_leaf must be two of \[1, 4\], got \[1, 7\]"):
        depth_curves(trees, min_samples_leaf=(1, 7))
