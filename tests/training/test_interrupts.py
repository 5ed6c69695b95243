"""After Ctrl-C at any line of the session and checkpoint code, a run resumes with equal results."""

from __future__ import annotations

import shutil
import sys
from types import SimpleNamespace

import keras
import pytest

from kerasnets.nets import load_model
from kerasnets.training import callbacks, checkpoints, epochs, model_file, run_folder, session
from kerasnets.training.checkpoints import Checkpoints
from kerasnets.training.identity import RunIdentity
from kerasnets.training.model_file import last_checkpoint, read_state
from kerasnets.training.plan import Plan
from kerasnets.training.session import Session
from kerasnets.training.session_log import SessionLog
from kerasnets.training.stored import read_run_recipe
from tests.training.helpers import (
    CLASSES,
    FEATURES,
    assert_same_bits,
    dataset,
    train_interrupted,
    weights_of,
)

DATA = dataset(24)
# An optimizer without further variables, because every interrupt writes and reads them.
OPTIONS = {"epochs": 3, "optimizer": "sgd"}
LAST = "checkpoints/last.keras"
VALIDATION_LOSSES = (3.0, 1.0, 2.0)  # the second epoch is the best
SAVING = (
    callbacks.Record.on_epoch_end,
    Session._save_epoch,
    SessionLog.record,
    run_folder.write_history,
    Checkpoints.keep,
    Checkpoints.write,
    model_file.save_checkpoint,
)
AROUND = (  # run before the first epoch and after the last one
    Session.run,
    Session._train,
    Session._evaluate,
    SessionLog.__init__,
    RunIdentity.check_files,
    RunIdentity.check_best,
    model_file.save_final_model,
    model_file._copy_reproducibly,
)


class Tracer:
    """Raises ``KeyboardInterrupt`` once, before a line of the session and checkpoint code.

    Attributes:
        functions: the functions to observe.
        location: epoch, function and line at which to raise; ``None`` to never raise.
        visited: the locations that were executed.
    """

    def __init__(self, functions, location=None):
        self.location, self.visited = location, []
        self.codes = {function.__code__: function.__qualname__ for function in functions}

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def trace(self, frame, event, argument):
        if frame.f_code not in self.codes:
            return None
        if event == "line":
            location = _Training.epoch, self.codes[frame.f_code], frame.f_lineno
            if location == self.location and location not in self.visited:
                self.visited.append(location)
                raise KeyboardInterrupt
            self.visited.append(location)
        return self.trace


class _Training:
    """Replaces the steps: each epoch changes the weights by a rule, and nothing is compiled."""

    epoch = 0

    @classmethod
    def run_epochs(cls, model, runner, validation, *, initial_epoch, epochs, callbacks):
        model.stop_training = False
        callbacks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            cls.epoch = epoch + 1
            callbacks.on_epoch_begin(epoch)
            bias = model.layers[-1].bias
            bias.assign(2 * bias + epoch)  # depends on the state before
            loss = float(bias[0])
            callbacks.on_epoch_end(epoch, {"loss": loss, "val_loss": VALIDATION_LOSSES[epoch]})
            if model.stop_training:
                break
        callbacks.on_train_end()


def _no_metrics(*arguments):
    return {}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that trains or resumes the run in a folder; begins it if there is none."""
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(CLASSES)], name="small")
    train_interrupted(model, DATA, tmp_path / "begun", 0, rescaling="none", **OPTIONS)
    monkeypatch.setattr(epochs, "run_epochs", _Training.run_epochs)
    monkeypatch.setattr(session, "collect_results", lambda *arguments: None)
    monkeypatch.setattr(session, "write_report", _no_metrics)
    monkeypatch.setattr(epochs.EpochRunner, "_check_monitor", lambda runner: None)
    loop = SimpleNamespace(xla=False)
    monkeypatch.setattr(Plan, "runner", lambda *arguments: SimpleNamespace(loop=loop))
    monkeypatch.setattr(Plan, "validation", lambda *arguments: None)

    def run(folder):
        if not folder.exists():
            shutil.copytree(tmp_path / "begun", folder)
        _Training.epoch = read_state(last_checkpoint(folder)).epochs
        model = load_model(last_checkpoint(folder))
        return Session(folder, read_run_recipe(folder), DATA, model, progress=False).run()

    return run


def bytes_of(folder):
    """What must not depend on an interrupt."""
    names = ("model.keras", "history.csv")
    return [(folder / name).read_bytes() for name in names], weights_of(folder, LAST)


def assert_equal(folder, expected, location):
    files, weights = bytes_of(folder)
    assert files == expected[0], location
    assert_same_bits(weights, expected[1])


@pytest.mark.parametrize(("share", "epoch"), [(1e9, 2), (1e-9, 3)])
def test_an_interrupt_before_any_line_that_saves_changes_nothing(
    share, epoch, run, tmp_path, monkeypatch
):
    """Interrupt in the best epoch, with every state written at once, or in the last epoch.

    In the last epoch, the state of the best epoch is still in memory: ``_MAX_SHARE`` is so small
    that nothing has been written since the first epoch.
    """
    monkeypatch.setattr(checkpoints, "_MAX_SHARE", share)
    with Tracer(SAVING) as tracer:
        complete = run(tmp_path / "complete")
    assert complete.best_epoch == 2
    expected = bytes_of(complete.folder)
    locations = sorted({location for location in tracer.visited if location[0] == epoch})
    assert {name for _, name, _ in locations} == {function.__qualname__ for function in SAVING}
    for location in locations:
        folder = tmp_path / "interrupted"
        with pytest.raises(KeyboardInterrupt), Tracer(SAVING, location):
            run(folder)
        run(folder)
        assert_equal(folder, expected, location)
        shutil.rmtree(folder)


def test_an_interrupt_before_any_line_of_a_session_changes_nothing(run, tmp_path):
    """Interrupt before the first epoch, after the last one, and when only evaluation is left."""
    with Tracer(AROUND) as training:
        complete = run(tmp_path / "complete")
    expected = bytes_of(complete.folder)
    with Tracer(AROUND) as evaluating:
        run(complete.folder)
    assert_equal(complete.folder, expected, "evaluated again")
    before = {location for location in training.visited if location[0] == 0}
    evaluation = {location for location in evaluating.visited if location[0] == 3}
    after = {location for location in training.visited if location[0] == 3} - evaluation
    assert {name for _, name, _ in before | after | evaluation} == {
        function.__qualname__ for function in AROUND
    }

    def interrupt(folder, location):
        with pytest.raises(KeyboardInterrupt), Tracer(AROUND, location):
            run(folder)

    for location in sorted(after):
        interrupt(tmp_path / f"after-{location[2]}", location)
    # The other lines are executed again by each process, so one folder is enough.
    for location in [*sorted(before), *sorted(evaluation)]:
        interrupt(tmp_path / "interrupted", location)
    for folder in (tmp_path / "interrupted", *tmp_path.glob("after-*")):
        run(folder)
        assert_equal(folder, expected, folder.name)
