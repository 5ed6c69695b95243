"""resume_or_train: train a new run, return a finished run, refuse a run with other settings."""

from __future__ import annotations

import pytest

from kerasnets.data import load_data
from kerasnets.studies import runs
from kerasnets.studies.runs import resume_or_train

pytestmark = pytest.mark.usefixtures("no_figures")
SETTINGS = {"epochs": 1, "net_arguments": {"units": [3]}}


@pytest.fixture(scope="module")
def points():
    return load_data("xor-simulated", points=40)


@pytest.fixture(scope="module")
def finished(points, tmp_path_factory):
    return resume_or_train("xor", tmp_path_factory.mktemp("runs") / "a", data=points, **SETTINGS)


@pytest.fixture
def no_training(monkeypatch):
    monkeypatch.setattr(runs, "train", lambda *args, **kwargs: pytest.fail("a net was trained"))


def test_a_finished_run_is_returned(finished, points, no_training):
    again = resume_or_train("xor", finished.folder, data=points, **SETTINGS)
    assert again.history == finished.history


def test_without_data_the_recipe_decides_which_data_are_used(finished, no_training):
    settings = {**SETTINGS, "data_options": {"points": 40}}
    assert resume_or_train("xor", finished.folder, **settings).history == finished.history


def test_the_data_set_may_be_named(finished, no_training):
    """As a search with ``--data`` does when it is resumed."""
    settings = {**SETTINGS, "data_options": {"points": 40}, "data": "xor-simulated"}
    assert resume_or_train("xor", finished.folder, **settings).history == finished.history
    with pytest.raises(ValueError, match="other settings than those requested"):
        resume_or_train("xor", finished.folder, **{**settings, "data": "digits"})


@pytest.mark.parametrize(
    "changes", [{"epochs": 2}, {"learning_rate": 0.5}, {"net_arguments": {"units": [4]}}]
)
@pytest.mark.parametrize("with_data", [True, False])
def test_a_run_with_other_settings_is_refused(finished, points, changes, with_data, no_training):
    data = points if with_data else None
    with pytest.raises(ValueError, match="other settings than those requested"):
        resume_or_train("xor", finished.folder, data=data, **{**SETTINGS, **changes})


def test_a_run_of_another_net_is_refused(finished, points, no_training):
    with pytest.raises(ValueError, match="other settings than those requested"):
        resume_or_train("seizure-mlp", finished.folder, data=points, epochs=1)
