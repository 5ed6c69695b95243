"""Run the epochs of a training: steps, validation and callbacks, in the order of Keras's fit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kerasnets._lazy import keras
from kerasnets.engine.loop import Logs, Loop
from kerasnets.engine.pace import Pace
from kerasnets.engine.schedule import EpochSchedule, StepCursor, Steps
from kerasnets.engine.stream import Feed

# Called after each compiled call with the number of its steps and the logs.
AfterCall = Callable[[int, Logs], object]


class StepRunner:
    """Runs the steps of an epoch. :class:`Pace` sets the number of steps per compiled call."""

    def __init__(
        self,
        loop: Loop,
        feed: Feed,
        schedule: EpochSchedule,
        *,
        steps_per_epoch: int | None = None,
        after_call: AfterCall = lambda steps, logs: None,
        renew_loop: Callable[[], Loop] | None = None,
    ) -> None:
        """Combine compiled steps, their data and their order.

        Args:
            loop: runs the steps.
            feed: the data.
            schedule: the rows of each step.
            steps_per_epoch: as in ``keras.Model.fit``.
            after_call: called after each compiled call.
            renew_loop: returns the loop to use from the first epoch on. It is a new loop if a
                callback has changed the model before the first step.
        """
        self.renew_loop = renew_loop
        self.loop, self.feed, self.after_call = loop, feed, after_call
        self.schedule, self.cursor = schedule, StepCursor(schedule, steps_per_epoch)
        self.steps_per_epoch = steps_per_epoch or schedule.steps_per_epoch
        self.pace = Pace()

    def trace(self) -> None:
        """Trace the first step, so that errors come before any callback."""
        steps, *_ = next(self.loop.segments(self.schedule.epoch(0)))
        tensors, steps = self.feed(steps if self.feed.resident else steps[:1])
        self.loop.trace(tensors, steps)

    def trace_epoch(self) -> None:
        """Trace all steps of an epoch, unless their data are not in memory."""
        if self.feed.resident:
            for steps, first, _ in self.loop.segments(self.schedule.epoch(0)):
                self.loop.trace(*self.feed(steps), first)

    def run(self, epoch: int, hooks: Hooks, steps_per_call: int | None = None) -> Logs:
        """Run an epoch.

        Args:
            epoch: number of the epoch, counted from 0.
            hooks: called before and after each call.
            steps_per_call: fixed number of steps per call; by default :class:`Pace` sets it.

        Returns:
            The logs of the last call.
        """
        done, logs, all_steps = 0, Logs(), self._steps(epoch)
        for steps, at, end in self.loop.segments(all_steps):
            while at < end:
                count = self._count(steps, done, steps_per_call)
                last = min(at + count, end)
                if done % (steps_per_call or 1) == 0:
                    hooks.begin(done)
                started = time.perf_counter()
                logs = self._call(steps, at, last)
                self.pace.record(last - at, time.perf_counter() - started)
                self.after_call(last - at, logs)
                done, at = done + last - at, last
                # Keras passes the last index of a full execution, even if the data end earlier.
                missing = -done % (steps_per_call or 1)
                if missing == 0 or done == len(all_steps):
                    hooks.end(done + missing - 1, logs)
                if hooks.stop():
                    return logs
        return logs

    def _steps(self, epoch: int) -> Steps:
        """The steps of an epoch."""
        return self.cursor.epoch(epoch)

    def _count(self, steps: Steps, done: int, steps_per_call: int | None) -> int:
        """The number of steps of the next call."""
        if steps_per_call is not None:
            return steps_per_call - done % steps_per_call
        return min(self.pace.steps, self.feed.max_steps(steps.rows.shape[1]))

    def _call(self, steps: Any, at: int, last: int) -> Logs:
        if self.feed.resident:
            tensors, steps = self.feed(steps)
            return self.loop(tensors, steps, at, last)
        tensors, chunk = self.feed(steps[at:last])
        return self.loop(tensors, chunk, 0, len(chunk))


@dataclass(frozen=True)
class Hooks:
    """Methods of a Keras ``CallbackList`` to call before and after each compiled call."""

    begin: Callable[[int], object]
    end: Callable[[int, Logs], object]
    stop: Callable[[], bool]


@dataclass(frozen=True)
class Validation:
    """How, and after which epochs, a model is validated.

    Attributes:
        evaluate: runs one evaluation with a ``CallbackList`` and returns its logs.
        frequency: ``validation_freq`` of ``keras.Model.fit``.
        trace: traces the steps of an evaluation, without running them.
    """

    evaluate: Callable[[Any], Logs]
    frequency: int | Sequence[int] = 1
    trace: Callable[[], object] = lambda: None

    def is_due(self, epoch: int) -> bool:
        """Whether to validate after this epoch, counted from 0."""
        if isinstance(self.frequency, int):
            return (epoch + 1) % self.frequency == 0
        return epoch + 1 in self.frequency


def run_epochs(
    model: keras.Model,
    runner: StepRunner,
    validation: Validation | None,
    *,
    initial_epoch: int,
    epochs: int,
    callbacks: Any,
) -> keras.callbacks.History:
    """Train a model, and call callbacks as ``keras.Model.fit`` does.

    Args:
        model: compiled and built.
        runner: runs the steps of an epoch.
        validation: how to validate; ``None`` for no validation.
        initial_epoch: the first epoch, counted from 0.
        epochs: the epoch to stop before.
        callbacks: a ``keras.callbacks.CallbackList``.

    Returns:
        The history, also available as ``model.history``.
    """
    steps_per_call = model.steps_per_execution if wants_batches(callbacks, "train") else None
    hooks = Hooks(
        callbacks.on_train_batch_begin, callbacks.on_train_batch_end, lambda: model.stop_training
    )
    model.stop_training = False
    callbacks.on_train_begin()
    epoch_logs = None
    # BackupAndRestore sets _initial_epoch when training begins.
    for epoch in range(getattr(model, "_initial_epoch", None) or initial_epoch, epochs):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        if epoch_logs is None and runner.renew_loop is not None:
            runner.loop = runner.renew_loop()
        logs = runner.run(epoch, hooks, steps_per_call)
        epoch_logs = dict(runner.loop.final_logs(logs))
        if validation is not None and validation.is_due(epoch):
            results = validation.evaluate(callbacks)
            epoch_logs |= {f"val_{name}": value for name, value in results.items()}
        callbacks.on_epoch_end(epoch, epoch_logs)
        if model.stop_training:
            break
    if isinstance(model.optimizer, keras.optimizers.Optimizer) and epochs > 0:
        model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs=epoch_logs)
    return model.history


def evaluate(model: keras.Model, runner: StepRunner, callbacks: Any) -> Logs:
    """Test a model, and call callbacks as ``keras.Model.evaluate`` does.

    Args:
        model: compiled and built.
        runner: runs the steps.
        callbacks: a ``keras.callbacks.CallbackList``.

    Returns:
        The metrics as Python numbers.
    """
    model.stop_evaluating = False
    callbacks.on_test_begin()
    model.reset_metrics()
    hooks = Hooks(
        callbacks.on_test_batch_begin, callbacks.on_test_batch_end, lambda: model.stop_evaluating
    )
    steps_per_call = model.steps_per_execution if wants_batches(callbacks, "test") else None
    logs = plain_numbers(runner.loop.final_logs(runner.run(0, hooks, steps_per_call)))
    callbacks.on_test_end(logs)
    return logs


def wants_batches(callbacks: Any, kind: str) -> bool:
    """Whether a callback overrides a method for the begin or end of a batch.

    Args:
        callbacks: a ``keras.callbacks.CallbackList``.
        kind: ``"train"`` or ``"test"``.
    """
    names = [f"on_{kind}_batch_begin", f"on_{kind}_batch_end"]
    names += ["on_batch_begin", "on_batch_end"] if kind == "train" else []
    base = keras.callbacks.Callback
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(base, name)
        for callback in callbacks.callbacks
        if not _ignores_batches(callback)
        for name in names
    )


def _ignores_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether the batch methods of a callback may be called for several steps at once."""
    kind = type(callback)
    if kind in (keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore):
        return callback.save_freq == "epoch"
    return kind is keras.callbacks.ProgbarLogger


def plain_numbers(logs: Logs) -> Logs:
    """Convert logs to Python numbers and flatten the results of metrics that are dicts."""
    numbers: Logs = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, dict):
            numbers |= plain_numbers(value)
            continue
        try:
            numbers[name] = float(value)
        except (TypeError, ValueError):
            numbers[name] = value
    return numbers
