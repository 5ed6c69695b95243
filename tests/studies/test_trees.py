from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from kerasnets.cli import main
from kerasnets.commands.trees import numbers
from kerasnets.data import Split, load_data
from kerasnets.studies import grow_trees
from kerasnets.studies.trees import _standard_error

GRID = {"depths": (2, 6, 20), "min_parents": (2, 16, 40), "min_leaves": (1, 4, 30)}


@pytest.fixture(scope="module")
def data():
    return load_data("rain-simulated", rows=2_000)


@pytest.fixture(scope="module")
def trees(data):
    return grow_trees(data, **GRID, progress=False)


def test_each_combination_is_the_tree_that_scikit_learn_grows_of_it(data, trees):
    rows = trees.table.to_dict("records")
    points = [(row["depth"], row["min_parent"], row["min_leaf"]) for row in rows]
    assert points == list(itertools.product(*GRID.values()))
    for row in rows:
        tree = DecisionTreeClassifier(
            criterion="entropy", max_depth=row["depth"], min_samples_split=row["min_parent"],
            min_samples_leaf=row["min_leaf"], random_state=0,
        ).fit(data.train.x, data.train.y)  # fmt: skip
        assert row["nodes"] == tree.tree_.node_count
        for name in ("train", "validation"):
            part = data.splits[name]
            area = roc_auc_score(part.y, tree.predict_proba(part.x)[:, 1])
            assert row[f"{name}_auc"] == pytest.approx(area, abs=1e-12)


def test_min_parent_and_min_leaf_change_the_trees_unlike_in_s3(trees):
    at_depth = trees.table[trees.table["depth"] == 20]
    assert at_depth["validation_auc"].nunique() > 3
    by_parent = at_depth[at_depth["min_leaf"] == 1].sort_values("min_parent")
    assert by_parent["nodes"].is_monotonic_decreasing
    assert by_parent["nodes"].nunique() == 3
    by_leaf = at_depth[at_depth["min_parent"] == 2].sort_values("min_leaf")
    assert by_leaf["nodes"].nunique() == 3


def test_a_full_tree_of_depth_d_has_at_most_2_to_the_d_plus_1_minus_1_nodes(trees):
    table = trees.table
    assert (table["nodes"] < 2.0 ** (table["depth"] + 1)).all()


def test_the_smallest_tree_close_to_the_best_is_recommended(data, trees):
    table, chosen = trees.table, trees.recommended
    best = table.sort_values("validation_auc").iloc[-1]
    floor = best["validation_auc"] - best["standard_error"]
    assert chosen["validation_auc"] >= floor
    smaller = table[table["nodes"] < chosen["nodes"]]
    assert (smaller["validation_auc"] < floor).all()
    tree = DecisionTreeClassifier(
        criterion="entropy", max_depth=chosen["depth"], min_samples_split=chosen["min_parent"],
        min_samples_leaf=chosen["min_leaf"], random_state=0,
    ).fit(data.train.x, data.train.y)  # fmt: skip
    area = roc_auc_score(data.test.y, tree.predict_proba(data.test.x)[:, 1])
    assert chosen["test_auc"] == pytest.approx(area, abs=1e-12)
    for number in (f"max depth {chosen['depth']}", f"{chosen['nodes']:,} nodes", f"{area:.4f}"):
        assert number in trees.text


def test_the_same_seed_gives_the_same_trees_however_many_grow_at_a_time(data, trees):
    one = grow_trees(data, **GRID, jobs=1, progress=False)
    pd.testing.assert_frame_equal(one.table, trees.table)
    assert one.recommended == trees.recommended


def test_the_standard_error_is_the_spread_of_the_auc_over_samples():
    """Hanley and McNeil's formula is exact for exponential scores, whose AUC is 1 / (1 + rate)."""
    rng = np.random.default_rng(0)
    positives, negatives, rate = 30, 50, 0.25
    high = rng.exponential(1 / rate, (4_000, positives, 1))
    low = rng.exponential(1, (4_000, 1, negatives))
    areas = (high > low).mean(axis=(1, 2))
    assert areas.mean() == pytest.approx(1 / (1 + rate), abs=0.003)
    positive = np.arange(positives + negatives) < positives
    assert _standard_error(1 / (1 + rate), positive) == pytest.approx(areas.std(), rel=0.04)


def test_several_classes_and_images_are_measured_class_by_class():
    digits = load_data("digits")
    grown = grow_trees(digits, (4,), (2,), (1,), progress=False)
    x, y = digits.validation.x.reshape(360, -1), digits.validation.y
    tree = DecisionTreeClassifier(criterion="entropy", max_depth=4, random_state=0)
    tree.fit(digits.train.x.reshape(1_078, -1), digits.train.y)
    area = roc_auc_score(y, tree.predict_proba(x), multi_class="ovr")
    assert grown.table["validation_auc"].item() == pytest.approx(area, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depths": ()}, r"depths must be different whole numbers of 1 or more, got \[\]"),
        ({"depths": (0, 3)}, r"depths .* got \[0, 3\]"),
        ({"min_parents": (1,)}, "min_parents .* 2 or more"),
        ({"min_leaves": (1, 1)}, r"min_leaves .* got \[1, 1\]"),
        ({"min_leaves": (0.5,)}, r"min_leaves .* got \[0.5\]"),
        ({"jobs": 0}, "jobs must be 1 or more, got 0"),
    ],
)
def test_impossible_grids_are_refused_before_any_work(data, options, message):
    with pytest.raises(ValueError, match=message):
        grow_trees(data, **options)


def test_a_split_without_a_class_is_refused(data):
    dry = data.validation.y == 0
    one_class = Split(data.validation.x[dry], data.validation.y[dry])
    with pytest.raises(ValueError, match="The validation split of rain-simulated has no rain"):
        grow_trees(dataclasses.replace(data, validation=one_class))


def test_inputs_of_several_arrays_are_refused(data):
    several = dataclasses.replace(data, train=Split({"x": data.train.x}, data.train.y))
    with pytest.raises(ValueError, match="Trees need one array of inputs; rain-simulated has sev"):
        grow_trees(several)


def test_the_command_leaves_a_table_and_figures(tmp_path, capsys):
    words = ["trees", "covid-simulated", "--data-option", "rows=2000", "--depths", "2,4"]
    words += ["--min-parents", "2:3", "--min-leaves", "1,8", "--out", str(tmp_path), "--quiet"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "validation_auc" in out
    assert "Take max depth" in out
    assert len(pd.read_csv(tmp_path / "trees.csv")) == 2 * 2 * 2
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "depth_curves.png", "heat_maps_depth_2.png", "heat_maps_depth_4.png",
    }  # fmt: skip
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["recommended"]["depth"] in (2, 4)


def test_the_command_s_numbers():
    assert numbers("5") == (5,)
    assert numbers("2:5,9") == (2, 3, 4, 5, 9)
    with pytest.raises(SystemExit):
        main(["trees", "rain-simulated", "--depths", "five"])
