"""Trials on PostgreSQL: a process may die or be stopped between any two commands."""

from __future__ import annotations

import pytest

from kerasnets.studies.database import Database
from kerasnets.studies.leases import Lease, Leases
from kerasnets.studies.space import Hyperparameter
from kerasnets.studies.trials import SamplerTrials
from kerasnets.training import make_recipe
from tests.studies.helpers import expire

SPACE = [Hyperparameter("learning_rate", 1e-3, 0.3, log=True)]


def open_trials(address, folder, sampler="random"):
    database = Database.at(address)
    leases = Leases(database, f"{folder.name}/{sampler}", 60.0)
    with database.setup():
        return SamplerTrials(folder, sampler, make_recipe("xor"), SPACE, {}, 3, 0, (), leases)


@pytest.fixture(scope="module")
def address(make_address):
    """One database for all searches, which have different names."""
    return make_address()


@pytest.fixture
def trials(address, tmp_path):
    return open_trials(address, tmp_path)


def rates(rows):
    return [row["learning_rate"] for row in rows]


def finish_all(trials):
    """Train all trials that are free: the score is the number of the trial."""
    while task := trials.next_task():
        task.lease.start().finish(float(task.number))
        trials.record(task.number, None)


def states(trials):
    return [trial.state.name for trial in trials.study.get_trials()]


def test_several_processes_draw_the_values_of_one(address, tmp_path):
    one, two = (open_trials(address, tmp_path) for _ in range(2))
    tasks = [one.next_task(), two.next_task(), one.next_task(), two.next_task()]
    assert [task and task.number for task in tasks] == [0, 1, 2, None]
    for task in tasks[2::-1]:  # they end in another order
        task.lease.start().finish(float(task.number))
        task.owner.record(task.number, None)
    local = Leases(Database.file(tmp_path / "trials.db"), "random", float("inf"))
    alone = SamplerTrials(tmp_path, "random", make_recipe("xor"), SPACE, {}, 3, 0, (), local)
    for _ in range(3):
        alone.record(alone.next_task().number, 0.0)
    assert rates(one.rows()) == rates(two.rows()) == rates(alone.rows())
    assert [row["score"] for row in one.rows()] == [0.0, 1.0, 2.0]


def test_a_process_that_dies_before_it_makes_the_trial(trials, address, tmp_path):
    expected = rates_of_an_undisturbed_search(address, tmp_path)
    assert trials.leases.claim(3)[1].number is None
    expire(trials.database)
    finish_all(trials)
    assert rates(trials.rows()) == expected
    assert states(trials) == ["COMPLETE"] * 3


def rates_of_an_undisturbed_search(address, folder):
    leases = Leases(Database.file(folder / "undisturbed.db"), "random", float("inf"))
    trials = SamplerTrials(folder, "random", make_recipe("xor"), SPACE, {}, 3, 0, (), leases)
    for _ in range(3):
        trials.record(trials.next_task().number, 0.0)
    return rates(trials.rows())


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_process_that_dies_after_it_has_made_the_trial(sampler, address, tmp_path):
    """The trial fails outside the budget, and is not in the way of the others."""
    trials = open_trials(address, tmp_path, sampler)
    lease, _ = trials.leases.claim(3)
    trials.study.add_trial(trials._new_trial(lease))
    expire(trials.database)
    finish_all(trials)
    assert sorted(states(trials)) == ["COMPLETE"] * 3 + ["FAIL"]
    assert [row["trial"] for row in trials.rows()] == [0, 1, 2]


def test_a_process_that_wakes_while_it_makes_the_trial(trials, address, tmp_path, monkeypatch):
    other = open_trials(address, tmp_path)
    set_number = Lease.set_number

    def sleep(lease, number):
        monkeypatch.undo()
        expire(trials.database)
        finish_all(other)
        return set_number(lease, number)

    monkeypatch.setattr(Lease, "set_number", sleep)
    assert trials.next_task() is None
    assert [row["score"] for row in trials.rows()] == [0.0, 1.0, 2.0]
    assert sorted(states(trials)) == ["COMPLETE"] * 3 + ["FAIL"]


def test_a_result_that_its_process_could_not_tell_is_told_by_another(trials, address, tmp_path):
    task = trials.next_task()
    assert task.lease.start().finish(0.25)
    assert states(trials) == ["RUNNING"]
    other = open_trials(address, tmp_path)
    other.settle()
    trials.settle()  # once more has no effect
    assert states(trials) == ["COMPLETE"]
    assert trials.study.best_value == 0.25


def test_a_failed_training_has_no_score_and_counts(trials):
    task = trials.next_task()
    task.lease.start().finish(None)
    trials.record(task.number, None)
    assert states(trials) == ["FAIL"]
    assert trials.finished() == 1
    assert [row["score"] for row in trials.rows()] == pytest.approx([float("nan")], nan_ok=True)


def test_the_next_process_gets_the_same_trial_as_its_next_attempt(trials, address, tmp_path):
    first = trials.next_task()
    first.lease.start()
    expire(trials.database)
    second = open_trials(address, tmp_path).next_task()
    assert (first.number, first.attempt, second.number, second.attempt) == (0, 1, 0, 2)
    assert (first.settings, first.folder) == (second.settings, second.folder)
    second.lease.start().finish(0.5)
    assert trials.rows()[0]["folder"].endswith("random-0-attempt-2")


def test_a_trial_whose_processes_die_again_and_again_fails(trials, address, tmp_path, capsys):
    """Such as one that needs more memory than there is; else it would end all processes."""
    for attempt in range(1, 5):
        task = open_trials(address, tmp_path).next_task()
        assert (task.number, task.attempt) == (0, attempt)
        task.lease.start()
        expire(trials.database)
    finish_all(trials)
    assert [row["score"] for row in trials.rows()] == pytest.approx(
        [float("nan"), 1.0, 2.0], nan_ok=True
    )
    assert states(trials) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert "random-0 failed: its process died 4 times" in capsys.readouterr().err
    assert trials.finished() == 3


def test_what_a_process_has_not_finished_it_gives_back(trials, address, tmp_path):
    first, second = trials.next_task(), trials.next_task()
    first.lease.start().finish(0.5)
    second.lease.start()
    trials.release()
    task = open_trials(address, tmp_path).next_task()
    assert (task.number, task.attempt) == (1, 1)


def test_a_trial_without_values_fails_outside_the_budget(address, tmp_path):
    """As after a process that died in Optuna's own ``ask``."""
    trials = open_trials(address, tmp_path, "tpe")
    trials.study.ask()
    finish_all(trials)
    assert states(trials) == ["FAIL"] + ["COMPLETE"] * 3
    assert [row["score"] for row in trials.rows()] == [0.0, 1.0, 2.0]


def test_trials_that_others_add_while_they_are_read_are_no_deleted_ones(
    trials, address, tmp_path, monkeypatch
):
    other, rows = open_trials(address, tmp_path), Leases.rows

    def rows_later(leases):
        monkeypatch.undo()
        finish_all(other)
        return rows(leases)

    monkeypatch.setattr(Leases, "rows", rows_later)
    assert [row["score"] for row in trials.rows()] == [0.0, 1.0, 2.0]


def test_a_study_that_was_deleted_is_an_error(trials, address, tmp_path):
    import optuna

    finish_all(trials)
    optuna.delete_study(study_name=f"{tmp_path.name}/random", storage=trials.study._storage)
    with pytest.raises(ValueError, match="were deleted from postgresql://tester:\\*\\*\\*@"):
        open_trials(address, tmp_path)
