"""The folder of a reproduction: finished work is kept, other work is refused."""

from __future__ import annotations

import pytest

from kerasnets.data import load_data
from kerasnets.studies.workspace import Workspace, nested


@pytest.fixture
def points():
    return load_data("xor-simulated", points=40)


def test_a_run_is_trained_once(tmp_path, points):
    first = Workspace(tmp_path).run("xor", points, seed=1, epochs=2, units=[3])
    assert first.folder == tmp_path / "runs/xor-simulated-row/xor-epochs-2-seed-1-units-3"
    assert first.recipe.net_arguments == {"units": [3]}
    before = first.folder.stat().st_mtime_ns
    again = Workspace(tmp_path)
    assert again.run("xor", points, seed=1, epochs=2, units=[3]).history == first.history
    assert first.folder.stat().st_mtime_ns == before
    assert again.seconds == first.seconds > 0


def test_a_quick_workspace_trains_one_epoch_and_its_runs_are_not_taken_for_whole(tmp_path, points):
    run = Workspace(tmp_path, quick=True).run("xor", points)
    assert run.recipe.epochs == 1
    whole = tmp_path / "runs/xor-simulated-row/xor-seed-0"
    run.folder.rename(whole)
    with pytest.raises(ValueError, match="other settings than are wanted now"):
        Workspace(tmp_path).run("xor", points)


def test_an_answer_is_computed_once_a_key(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"pair": (1, 2)}

    for work in (Workspace(tmp_path), Workspace(tmp_path)):
        assert work.kept("a", {"epochs": 3}, compute) == {"pair": [1, 2]}
    assert len(calls) == 1
    Workspace(tmp_path, quick=True).kept("a", {"epochs": 3}, compute)
    Workspace(tmp_path, quick=True).kept("a", {"epochs": 4}, compute)
    assert len(calls) == 3


def test_the_first_data_set_whose_files_are_there(tmp_path, monkeypatch):
    monkeypatch.delenv("KERASNETS_DATA", raising=False)
    work = Workspace(tmp_path, tmp_path / "nothing")
    assert work.load("covid", "covid-simulated").name == "covid-simulated"
    with pytest.raises(FileNotFoundError):
        work.load("covid", "rain")


def test_builder_arguments_go_where_the_recipe_has_them():
    given = {"epochs": 2, "units": [4], "dropout": 0.5}
    wanted = {"epochs": 2, "net_arguments": {"units": [4], "dropout": 0.5}}
    assert nested("seizure-mlp", given) == wanted
    assert nested("seizure-mlp", {"epochs": 2}) == {"epochs": 2}
