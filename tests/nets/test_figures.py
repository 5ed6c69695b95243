"""The stored figures of the nets agree with build, profile and the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets.nets.figures import TestFigure, figures_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", kn.list_nets())
def test_parameters_and_flops_are_those_of_the_profile(name):
    spec = kn.describe(name)
    cost = kn.profile(kn.build(name))
    assert spec.params == cost.params
    assert str(spec.flops) == str(cost.flops)


@pytest.mark.parametrize("name", [name for name in kn.list_nets() if kn.describe(name).test])
def test_the_source_contains_the_test_results(name):
    spec = kn.describe(name)
    for recipe, test in (("default", spec.test), ("as-reported", spec.test_as_reported)):
        if test is None:
            continue
        text = (ROOT / test.source).read_text(encoding="utf-8").replace("**", "")
        rows = [line for line in text.splitlines() if re.match(rf"\| `{name}`", line)]
        value = 100 * test.value if test.metric == "accuracy" else test.value
        shown = {f"| {value:.{digits}f} |" for digits in (1, 2, 3)}
        if test.interval is not None:
            shown = {f"| {recipe} | {test.with_interval.replace(' %', '')} |"}
        assert any(form in row for row in rows for form in shown)


def test_results_are_shown_with_their_interval():
    test = TestFigure("seizure", "accuracy", 0.70961, (0.665, 0.7504), "5 folds", "docs/a.md")
    assert (str(test), test.with_interval) == ("accuracy 71.0 %", "71.0 % (66.5–75.0)")
    area = TestFigure("eicu", "auroc", 0.7244, None, "5 folds", "docs/a.md")
    assert (str(area), area.with_interval) == ("AUROC 0.724", "0.724")


def test_one_net_per_kind_of_data_is_recommended():
    recommended = {name for name in kn.list_nets() if kn.describe(name).recommended}
    assert recommended == {
        "covid-2",
        "digit-cnn-compact",
        "mortality-gru",
        "seizure-spectral-small",
    }


def test_nothing_is_known_about_other_nets():
    assert vars(figures_of("my-net")) == {
        "params": None,
        "flops": None,
        "test": None,
        "test_as_reported": None,
        "recommended": False,
    }
