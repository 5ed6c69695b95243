"""The folder of a reproduction: finished work is reused, runs with other settings are refused."""

from __future__ import annotations

import pytest

from kerasnets.data import load_data
from kerasnets.studies.runs import nest_builder_arguments
from kerasnets.studies.workspace import Workspace

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture
def points():
    return load_data("xor-simulated", points=40)


def test_a_run_is_trained_once(tmp_path, points):
    first = Workspace(tmp_path).run("xor", points, seed=1, epochs=2, units=[3])
    assert first.folder == tmp_path / "runs/xor-simulated-row/xor-epochs-2-seed-1-units-3"
    assert first.recipe.net_arguments == {"units": [3]}
    before = first.folder.stat().st_mtime_ns
    second = Workspace(tmp_path)
    assert second.run("xor", points, seed=1, epochs=2, units=[3]).history == first.history
    assert first.folder.stat().st_mtime_ns == before
    assert second.seconds == first.seconds > 0


def test_a_quick_workspace_trains_one_epoch_and_its_runs_are_not_reused_later(tmp_path, points):
    run = Workspace(tmp_path, quick=True).run("xor", points)
    assert run.recipe.epochs == 1
    full = tmp_path / "runs/xor-simulated-row/xor-seed-0"
    run.folder.rename(full)
    with pytest.raises(ValueError, match="other settings than those requested"):
        Workspace(tmp_path).run("xor", points)


def test_a_result_is_computed_once_per_key(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"pair": (1, 2)}

    for work in (Workspace(tmp_path), Workspace(tmp_path)):
        assert work.cached("a", {"epochs": 3}, compute) == {"pair": [1, 2]}
    assert len(calls) == 1
    Workspace(tmp_path, quick=True).cached("a", {"epochs": 3}, compute)
    Workspace(tmp_path, quick=True).cached("a", {"epochs": 4}, compute)
    assert len(calls) == 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": {}}'])
def test_a_damaged_result_is_refused_with_its_name(content, tmp_path):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"a\.json is damaged.*[Rr]emove it"):
        Workspace(tmp_path).cached("a", {}, dict)


def test_the_first_data_set_whose_files_exist_is_loaded(tmp_path, monkeypatch):
    monkeypatch.delenv("KERASNETS_DATA", raising=False)
    work = Workspace(tmp_path, tmp_path / "nothing")
    assert work.load_first("covid", "covid-simulated").name == "covid-simulated"
    with pytest.raises(FileNotFoundError):
        work.load_first("covid", "rain")


def test_builder_arguments_are_moved_into_net_arguments():
    settings = {"epochs": 2, "units": [4], "dropout": 0.5}
    expected = {"epochs": 2, "net_arguments": {"units": [4], "dropout": 0.5}}
    assert nest_builder_arguments("seizure-mlp", settings) == expected
    assert nest_builder_arguments("seizure-mlp", {"epochs": 2}) == {"epochs": 2}
