"""scripts/tables/recipes.py: scores, intervals, differences, the page and figures.csv."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

import kerasnets as kn
from kerasnets.studies.workspace import Workspace

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "tables" / "recipes.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("recipes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["recipes"] = module  # a dataclass looks up its module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["recipes"]


def parts_of(rng, rows, error, share=0.1, number=5):
    """Labels, probabilities and groups of some test splits; a smaller error is better."""
    for _ in range(number):
        y = (rng.random(rows) < share).astype(int)
        score = y + error * rng.normal(size=rows)
        died = 1 / (1 + np.exp(-score))
        yield y, np.column_stack([1 - died, died]), rng.integers(0, rows // 2, rows)


def result(script, recipe, parts, *, folds=True, net="mortality-gru"):
    run = SimpleNamespace(best_epoch=3, history={"loss": [1.0] * 8})
    y, probabilities, groups = (list(column) for column in zip(*parts, strict=True))
    return script.Result(net, recipe, folds, [run] * len(y), y, probabilities, groups)


@pytest.fixture(scope="module")
def pair(script):
    """A good and a bad result on the same unbalanced rows."""
    good = list(parts_of(np.random.default_rng(0), 120, 1.0))
    bad = [(y, np.random.default_rng(1).dirichlet([1, 1], len(y)), groups) for y, _, groups in good]
    return script.Comparison(result(script, "default", good), result(script, "as-reported", bad))


def test_the_score_of_unbalanced_folds_is_the_auroc_of_all_test_rows(pair):
    good = pair.default
    y, died = np.concatenate(good.y), np.concatenate(good.probabilities)[:, 1]
    assert good.unbalanced
    assert good.score() == pytest.approx(roc_auc_score(y, died))
    assert good.each == pytest.approx(
        [roc_auc_score(*fold) for fold in zip(good.y, np.split(died, 5), strict=True)]
    )
    assert good.loss == pytest.approx(log_loss(y, died))


def test_the_score_of_balanced_seeds_is_the_mean_of_their_accuracies(script):
    rng = np.random.default_rng(2)
    y, _, groups = next(parts_of(rng, 100, 1.0, share=0.5))
    probabilities = rng.dirichlet([1, 1], (3, 100))
    found = result(script, "default", [(y, p, groups) for p in probabilities], folds=False)
    accuracies = (probabilities.argmax(axis=2) == y).mean(axis=1)
    assert not found.unbalanced
    assert found.each == pytest.approx(accuracies.tolist())
    assert found.score() == pytest.approx(accuracies.mean())


def test_the_table_shows_both_recipes_and_their_difference(script, pair):
    default, reported = pair.table_rows()
    low, high = pair.intervals["difference"]
    difference = pair.default.score() - pair.reported.score()
    assert 0 < low < difference < high
    assert default[:2] == ["`mortality-gru`", "default"]
    assert default[2].startswith(f"{pair.default.score():.3f} (")
    assert default[-2:] == ["3 of 8", f"{difference:+.3f} ({low:+.3f} to {high:+.3f})"]
    assert reported[1] == "as-reported"
    assert reported[-1] == ""
    page = script.make_page({"eicu": [pair]})
    assert "is better than `as-reported` in 1 of 1 comparisons,\nand worse in 0.**" in page
    majority = 1 - np.mean(pair.default.rows[0])
    assert f"most frequent class is right for {100 * majority:.1f} %" in page


def test_the_figures_of_other_nets_stay(script, pair, tmp_path, monkeypatch):
    path = tmp_path / "figures.csv"
    path.write_bytes(script.FIGURES.read_bytes())
    monkeypatch.setattr(script, "FIGURES", path)
    script.write_figures({"seizure": [], "eicu": [pair]})
    before, after = (
        {row["net"]: row for row in csv.DictReader(file.read_text("utf-8").splitlines())}
        for file in (SCRIPT.parents[2] / "kerasnets" / "nets" / "figures.csv", path)
    )
    changed = after.pop("mortality-gru")
    before.pop("mortality-gru")
    assert after == before
    assert float(changed["test"].split()[0]) == pytest.approx(pair.default.score(), abs=1e-4)
    assert float(changed["reported"].split()[0]) == pytest.approx(pair.reported.score(), abs=1e-4)


def test_the_documented_settings_are_compared_with_the_figures_of_the_default_recipes(script):
    for what, page, _, default in script.DOCUMENTED[:3]:
        assert kn.describe(what.split("`")[1]).test.short == default
        assert (SCRIPT.parents[2] / "docs" / f"{page}.md").is_file()


def test_nets_with_two_recipes_are_compared(script):
    for data in script.SETS:
        for net in script.nets_with_two_recipes(data):
            spec = kn.describe(net)
            assert spec.settings(data) != spec.settings(data, "as-reported")
    assert "mortality-gru" in script.nets_with_two_recipes("eicu")
    assert "digit-cnn-compact" not in script.nets_with_two_recipes("digits")  # not in a report


@pytest.mark.usefixtures("no_figures")
def test_equal_recipes_give_equal_results(script, tmp_path, monkeypatch):
    monkeypatch.setitem(script.SETS, "xor-simulated", (("xor",), ""))
    monkeypatch.setattr(script, "SEEDS", (0,))
    monkeypatch.setattr(
        script, "Workspace", lambda folder, recipe: Workspace(folder, recipe=recipe, quick=True)
    )
    rows = [script.train("xor", name, "xor-simulated", tmp_path, None) for name in script.RECIPES]
    assert [found.recipe for found in rows] == ["default", "as-reported"]
    assert rows[0].runs[0].folder != rows[1].runs[0].folder
    assert script.Comparison(*rows).intervals["difference"] == [0, 0]
