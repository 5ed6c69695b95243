"""The jobs of a cross-validation, and what is refused before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.studies.fold_plan import plan_jobs


def plan(net="xor", data="xor-simulated", folds=None, seeds=1, **settings):
    return plan_jobs(net, data, folds, seeds, Path("out"), None, settings)


def own_folds(groups=None, folds=3, **changes):
    x, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    options = {"folds": folds, **changes}
    return [kn.Dataset.from_arrays(x, y, groups, fold=k, **options) for k in range(folds)]


def test_there_is_one_job_per_fold_and_seed():
    jobs = plan(folds=2, seeds=2, seed=7, data_options={"points": 80}, epochs=3)
    assert [(job.fold, job.seed, job.folder.name) for job in jobs] == [
        (1, 7, "fold-1-seed-7"),
        (1, 8, "fold-1-seed-8"),
        (2, 7, "fold-2-seed-7"),
        (2, 8, "fold-2-seed-8"),
    ]
    assert jobs[2].settings == {
        "data": "xor-simulated",
        "data_options": {"points": 80, "folds": 2, "fold": 1},
        "epochs": 3,
        "seed": 7,
        "threads": 1,
    }
    assert jobs[0].folder.is_absolute()
    assert len(plan()) == 5


def test_without_folds_there_is_one_job_per_seed():
    jobs = plan(folds=0, seeds=[3, 1], threads=2)
    assert [(job.fold, job.folder.name) for job in jobs] == [(None, "seed-3"), (None, "seed-1")]
    assert jobs[0].settings["threads"] == 2
    assert "data_options" not in jobs[0].settings
    assert len(plan(net="lenet5", data="mnist", folds=0, seeds=2)) == 2


def test_own_arrays_have_one_data_set_per_fold():
    sets = own_folds(np.arange(60) // 3)
    jobs = plan(data=sets, seeds=2)
    assert [job.data for job in jobs] == [data for data in sets for _ in range(2)]
    assert [job.fold for job in jobs] == [1, 1, 2, 2, 3, 3]
    assert [job.fold for job in plan(data=sets[0], folds=0, seeds=2)] == [None, None]


def test_a_path_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n1,0\n")
    jobs = plan(data="a.csv", folds=2, data_options={"target": "y"})
    assert jobs[0].settings["data"] == str(tmp_path / "a.csv")
    assert jobs[1].settings["data_options"] == {"target": "y", "folds": 2, "fold": 1}


def test_a_net_of_the_user_travels_with_its_jobs():
    from kerasnets.nets import catalogue

    @kn.register("net-of-a-test", data="xor-simulated", source="own")
    def build(*, units: int = 2):
        """Build nothing."""

    try:
        assert plan(net="net-of-a-test")[0].spec.builder is build
        assert plan()[0].spec is None
    finally:
        del catalogue._SPECS["net-of-a-test"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"folds": 1}, "folds must be 0 for a single split, or 2 or more"),
        ({"folds": 2.0}, "folds must be a whole number"),
        ({"seeds": 0}, "seeds must be a whole number of 1 or more"),
        ({"seeds": [1, 1]}, "different seeds"),
        ({"seeds": []}, "different seeds"),
        ({"seeds": [-1]}, "a seed must be a whole number"),
        ({"seeds": True}, "seeds must be a number of seeds"),
        ({"net": "xo"}, "Did you mean 'xor'"),
        ({"epoch": 3}, "Did you mean 'epochs'"),
        ({"data": "mnist"}, "'mnist' has a fixed test split.*folds=0 and seeds=5"),
        ({"data_options": {"folds": 3}}, "set by the cross-validation"),
        ({"data": [1, 2]}, "a list with one Dataset"),
        ({"data": []}, "a list with one Dataset"),
    ],
)
def test_wrong_arguments_are_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        plan(**changes)


def test_data_sets_that_are_not_folds_are_refused():
    sets = own_folds(np.arange(60) // 3)
    with pytest.raises(ValueError, match="A single Dataset is a single split"):
        plan(data=sets[0], folds=3)
    with pytest.raises(ValueError, match="3 data sets, but folds=5"):
        plan(data=sets, folds=5)
    with pytest.raises(ValueError, match=r"Group .* is in the test split of two folds"):
        plan(data=[sets[0], sets[0]])
    with pytest.raises(ValueError, match="must hold the same data"):
        plan(data=[sets[0], own_folds(folds=2)[0]])
