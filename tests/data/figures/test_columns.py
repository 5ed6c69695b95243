from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data import Dataset, load_data
from kerasnets.data.figures.columns import column_histograms
from kerasnets.data.figures.examples import draw_examples


def test_one_panel_per_column_in_which_each_class_adds_up_to_100_percent():
    data = load_data("covid-simulated", rows=2_000)
    figure = column_histograms(data)
    shown = [axes for axes in figure.axes if axes.patches]
    assert [axes.get_title("left") for axes in shown] == list(data.feature_names)
    for axes in shown:
        assert len(axes.patches) == 2
        for stairs in axes.patches:
            assert stairs.get_data().values.sum() == pytest.approx(100)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["survived", "died"]
    assert "simulated, not measured" in figure.texts[0].get_text()


def test_categories_have_one_bin_each():
    data = load_data("covid-simulated", rows=2_000)
    axes = column_histograms(data).axes[data.feature_names.index("sex")]
    codes = np.unique(data.train.x[:, data.feature_names.index("sex")])
    assert axes.patches[0].get_data().edges.tolist() == [*(codes - 0.5), codes[-1] + 0.5]


def test_images_tables_and_signals_have_different_figures():
    assert draw_examples(load_data("digits"))[0] == "images"
    assert draw_examples(load_data("rain-simulated", rows=1_000))[0] == "columns"
    assert draw_examples(load_data("seizure-simulated", recordings_per_class=5))[0] == "traces"


def test_a_data_set_that_is_not_a_table_is_refused():
    with pytest.raises(ValueError, match="digits is not a table"):
        column_histograms(load_data("digits"))


@pytest.mark.parametrize("y", [np.linspace(0, 1, 30) + 0.25, np.arange(60).reshape(30, 2) % 3 % 2])
def test_tables_without_classes_are_drawn(y):
    data = Dataset.from_arrays(np.arange(60.0).reshape(30, 2), y, feature_names=["a", "b"])
    what, figure = draw_examples(data)
    assert what == "columns"
    lines = max(1, len(data.class_names))
    assert [len(axes.patches) for axes in figure.axes] == [lines, lines]


def test_other_inputs_have_no_figure():
    assert draw_examples(load_data("mortality-simulated", patients=60)) is None
    several = Dataset.from_arrays({"a": np.zeros((9, 2))}, np.arange(9) % 2)
    assert draw_examples(several) is None
    regression = Dataset.from_arrays(np.zeros((9, 2)), np.linspace(0, 1, 9))
    assert draw_examples(regression) is None
