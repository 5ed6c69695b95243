"""Decision trees, their recommendation, and the command."""

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
from kerasnets.commands.trees import integers
from kerasnets.data import Split, load_data
from kerasnets.studies import grow_trees
from kerasnets.studies.trees import _standard_error

GRID = {
    "max_depth": (2, 6, 20),
    "min_samples_split": (2, 16, 40),
    "min_samples_leaf": (1, 4, 30),
}


@pytest.fixture(scope="module")
def data():
    return load_data("rain-simulated", rows=2_000)


@pytest.fixture(scope="module")
def trees(data):
    return grow_trees(data, **GRID, progress=False)


def sklearn_tree(settings):
    names = ("max_depth", "min_samples_split", "min_samples_leaf")
    chosen = {name: settings[name] for name in names}
    return DecisionTreeClassifier(criterion="entropy", random_state=0, **chosen)


def test_each_row_is_the_tree_that_scikit_learn_grows(data, trees):
    rows = trees.table.to_dict("records")
    points = [(row["max_depth"], row["min_samples_split"], row["min_samples_leaf"]) for row in rows]
    assert points == list(itertools.product(*GRID.values()))
    for row in rows:
        tree = sklearn_tree(row).fit(data.train.x, data.train.y)
        assert row["nodes"] == tree.tree_.node_count
        for name in ("train", "validation"):
            part = data.splits[name]
            area = roc_auc_score(part.y, tree.predict_proba(part.x)[:, 1])
            assert row[f"{name}_auc"] == pytest.approx(area, abs=1e-12)


def test_both_sample_limits_change_the_trees_unlike_in_s3(trees):
    at_depth = trees.table[trees.table["max_depth"] == 20]
    assert at_depth["validation_auc"].nunique() > 3
    by_split = at_depth[at_depth["min_samples_leaf"] == 1].sort_values("min_samples_split")
    assert by_split["nodes"].is_monotonic_decreasing
    assert by_split["nodes"].nunique() == 3
    by_leaf = at_depth[at_depth["min_samples_split"] == 2].sort_values("min_samples_leaf")
    assert by_leaf["nodes"].nunique() == 3


def test_a_tree_of_depth_d_has_at_most_2_to_the_d_plus_1_minus_1_nodes(trees):
    table = trees.table
    assert (table["nodes"] < 2.0 ** (table["max_depth"] + 1)).all()


def test_the_smallest_tree_within_one_standard_error_is_recommended(data, trees):
    table, chosen = trees.table, trees.recommended
    best = table.sort_values("validation_auc").iloc[-1]
    floor = best["validation_auc"] - best["standard_error"]
    assert chosen["validation_auc"] >= floor
    smaller = table[table["nodes"] < chosen["nodes"]]
    assert (smaller["validation_auc"] < floor).all()
    tree = sklearn_tree(chosen).fit(data.train.x, data.train.y)
    area = roc_auc_score(data.test.y, tree.predict_proba(data.test.x)[:, 1])
    assert chosen["test_auc"] == pytest.approx(area, abs=1e-12)
    for number in (f"max_depth {chosen['max_depth']}", f"{chosen['nodes']:,} nodes", f"{area:.4f}"):
        assert number in trees.text


def test_the_same_seed_gives_the_same_trees_with_any_number_of_jobs(data, trees):
    one = grow_trees(data, **GRID, jobs=1, progress=False)
    pd.testing.assert_frame_equal(one.table, trees.table)
    assert one.recommended == trees.recommended


def test_the_standard_error_is_the_standard_deviation_of_the_auc():
    """Hanley and McNeil's formula is exact for exponential scores, whose AUC is 1 / (1 + rate)."""
    rng = np.random.default_rng(0)
    positives, negatives, rate = 30, 50, 0.25
    high = rng.exponential(1 / rate, (4_000, positives, 1))
    low = rng.exponential(1, (4_000, 1, negatives))
    areas = (high > low).mean(axis=(1, 2))
    assert areas.mean() == pytest.approx(1 / (1 + rate), abs=0.003)
    positive = np.arange(positives + negatives) < positives
    assert _standard_error(1 / (1 + rate), positive) == pytest.approx(areas.std(), rel=0.04)


def test_with_several_classes_the_auc_is_the_mean_over_the_classes():
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
        (
            {"max_depth": ()},
            r"max_depth must be .* different integers, each 1 or more; got \[\]",
        ),
        ({"max_depth": (0, 3)}, r"max_depth .* got \[0, 3\]"),
        ({"min_samples_split": (1,)}, "min_samples_split .* 2 or more"),
        ({"min_samples_leaf": (1, 1)}, r"min_samples_leaf .* got \[1, 1\]"),
        ({"min_samples_leaf": (0.5,)}, r"min_samples_leaf .* got \[0.5\]"),
        ({"jobs": 0}, "jobs must be 1 or more, got 0"),
    ],
)
def test_impossible_grids_are_refused_before_any_work(data, options, message):
    with pytest.raises(ValueError, match=message):
        grow_trees(data, **options)


def test_a_split_without_a_class_is_refused(data):
    dry = data.validation.y == 0
    one_class = Split(data.validation.x[dry], data.validation.y[dry])
    with pytest.raises(
        ValueError, match="validation split of rain-simulated has no sample of rain"
    ):
        grow_trees(dataclasses.replace(data, validation=one_class))


def test_several_input_arrays_are_refused(data):
    several_arrays = dataclasses.replace(data, train=Split({"x": data.train.x}, data.train.y))
    with pytest.raises(ValueError, match="Trees need a single input array, but rain-simulated has"):
        grow_trees(several_arrays)


def test_the_command_writes_a_table_and_figures(tmp_path, capsys, monkeypatch):
    args = ["trees", "covid-simulated", "--data-option", "rows=2000", "--max-depth", "2,4"]
    args += ["--min-samples-split", "2:3", "--min-samples-leaf", "1,8", "--out", str(tmp_path)]
    monkeypatch.setenv("COLUMNS", "80")
    assert main(args) == 0
    out, progress = capsys.readouterr()
    assert "validation_auc" in out
    assert "Recommended: max_depth" in out
    assert [line for line in out.splitlines() if len(line) > 80] == [str(tmp_path)] * (
        len(str(tmp_path)) > 80
    )
    assert progress.startswith("trees on covid-simulated: 0 of 6 in 00:00\n")
    assert main([*args, "--quiet"]) == 0
    assert capsys.readouterr() == (f"{tmp_path}\n", "")
    assert len(pd.read_csv(tmp_path / "trees.csv")) == 2 * 2 * 2
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "depth_curves.png", "heat_maps_depth_2.png", "heat_maps_depth_4.png",
    }  # fmt: skip
    assert main([*args, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["recommended"]["max_depth"] in (2, 4)


def test_integers_on_the_command_line(capsys):
    assert integers("5") == (5,)
    assert integers("2:5,9") == (2, 3, 4, 5, 9)
    assert main(["trees", "rain-simulated", "--max-depth", "five"]) == 2
    assert "Argument --max-depth: invalid integers value: 'five'" in capsys.readouterr().err


def test_the_old_names_of_the_arguments_work_and_warn(data):
    with pytest.warns(DeprecationWarning, match="use the new name") as warnings:
        trees = grow_trees(data, depths=(3,), min_parents=(2,), min_leaves=(4,), progress=False)
    assert {str(warning.message) for warning in warnings} == {
        f"grow_trees({old}=…) is now grow_trees({new}=…); use the new name."
        for old, new in (
            ("depths", "max_depth"),
            ("min_parents", "min_samples_split"),
            ("min_leaves", "min_samples_leaf"),
        )
    }
    expected = grow_trees(data, (3,), (2,), (4,), progress=False)
    pd.testing.assert_frame_equal(trees.table, expected.table)


def test_the_old_flags_work_and_name_the_new_ones(tmp_path, capsys):
    args = ["trees", "rain-simulated", "--data-option", "rows=1000", "--depths", "2"]
    args += ["--min-parents", "2", "--min-leaves", "1,8", "--out", str(tmp_path), "--quiet"]
    assert main(args) == 0
    errors = capsys.readouterr().err
    assert "kerasnets: --depths is now --max-depth; use the new name." in errors
    assert "--min-parents is now --min-samples-split" in errors
    assert "--min-leaves is now --min-samples-leaf" in errors
    assert pd.read_csv(tmp_path / "trees.csv")["min_samples_leaf"].tolist() == [1, 8]
