"""Many steps in one compiled call, over data that fits in memory.

A small net spends its time in the framework, not in arithmetic: handing a batch from tf.data to a
compiled step, and the logs back, costs more than the step. Here a compiled loop gathers its
batches from arrays on the device, one call for up to an epoch. It stands in for the training and
testing functions of Keras's own ``fit``, so callbacks, metrics, history and validation stay
Keras's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from kerasnets._errors import WorkFailedError
from kerasnets._lazy import keras, tf
from kerasnets.engine.kernels.adam import fast_adam
from kerasnets.engine.kernels.layers import fast_layers
from kerasnets.engine.pace import Pace
from kerasnets.engine.schedule import Pieces
from kerasnets.engine.sources import BatchOf, batches_on_device

Logs = dict[str, Any]


class TrainingDivergedError(WorkFailedError, ArithmeticError):
    """The loss is not finite any more."""

    def __init__(self, where: str) -> None:
        """Say what is not finite, and where."""
        super().__init__(
            f"{where}. Lower the learning rate or rescale the inputs; the weights of the last "
            "whole epoch before are kept."
        )


class XlaCannotError(WorkFailedError, ValueError):
    """XLA cannot compile a net."""

    def __init__(self, model: keras.Model, error: Exception) -> None:
        """Name the net, and what XLA says first."""
        reason = str(error).partition("\n")[0][:200]
        super().__init__(
            f"XLA cannot compile {model.name} ({reason} …). Train it with xla 'auto' or 'off'."
        )


class Loop:
    """Steps of a model over one split, compiled once for each shape.

    XLA compiles the full batches, of each padded time if there are several; whatever is smaller
    comes a few times an epoch, and plain TensorFlow, which compiles in a fraction of the time,
    runs it.
    """

    def __init__(
        self,
        model: keras.Model,
        step: Callable[[Any], Logs],
        batch_of: BatchOf,
        *,
        batch_size: int,
        times: tuple[int, ...] = (0,),
        xla: bool,
        fuse: bool = False,
    ) -> None:
        """Compile nothing yet.

        Args:
            model: compiled and built.
            step: its ``train_step`` or ``test_step``.
            batch_of: gives the batch of some rows, padded to a time.
            batch_size: the rows of a full batch.
            times: the padded times there are; a single 0 where there is no time.
            xla: compile full batches with XLA.
            fuse: where XLA does not compile the whole step, let it compile parts.
        """
        self.model, self.step, self.batch_of = model, step, batch_of
        self.batch_size, self.times, self.xla, self.fuse = batch_size, times, xla, fuse
        self.compiling = 0.0  # seconds, with the first call of each shape
        self._compiled: dict[Any, Any] = {}

    def __call__(self, rows: Any, buckets: Any, first: int, last: int) -> Logs:
        """Run the steps ``first`` to before ``last``; stop after a loss that is not finite.

        Args:
            rows: of each step, int32 of shape ``(steps, batch)``; -1 is no row.
            buckets: which of the times each step is padded to, int32 of shape ``(steps,)``.
            first: the first step.
            last: the step to stop before, all of them full or none: see :meth:`ends`.

        Returns:
            The metrics so far.

        Raises:
            XlaCannotError: if XLA cannot compile the net; no step was run.
        """
        xla = self.xla and bool(self.is_full(rows[first]))
        # XLA wants every shape; plain TensorFlow, once compiled, runs any number of steps and rows.
        shape = rows.shape if xla else (None, None)
        started, new = time.perf_counter(), (xla, shape) not in self._compiled
        if new:
            self._compiled[xla, shape] = self._compile(xla, shape)
        given = (tf.constant(number) for number in (rows, buckets, first, last))
        try:
            logs = self._compiled[xla, shape](*given)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if xla and new:
                raise XlaCannotError(self.model, error) from error
            raise
        if new:
            self.compiling += time.perf_counter() - started
        return logs

    def ends(self, rows: np.ndarray) -> list[int]:
        """The steps before which a call must end, since others are compiled otherwise."""
        if not self.xla:
            return [len(rows)]
        full = self.is_full(rows)
        return [*(np.flatnonzero(full[1:] != full[:-1]) + 1).tolist(), len(rows)]

    def is_full(self, rows: np.ndarray) -> np.ndarray:
        """Whether each step has a full batch; of one row, or for each of several."""
        return (rows >= 0).all(axis=-1) & (rows.shape[-1] == self.batch_size)

    def _compile(self, xla: bool, shape: tuple[int | None, ...]) -> Any:
        # A concrete function: TensorFlow takes several trainings in one process, a function
        # each, for one that is traced again and again, and warns.
        number = tf.TensorSpec((), tf.int32)
        signature = tf.TensorSpec(shape, tf.int32), tf.TensorSpec(shape[:1], tf.int32)
        run = tf.function(self._run_xla if xla else self._run, jit_compile=xla, autograph=False)
        return run.get_concrete_function(*signature, number, number)

    def _run(self, rows: Any, buckets: Any, first: Any, last: Any) -> Logs:
        times = tf.constant(self.times)

        def logs(step: Any) -> Logs:
            row = rows[step]
            if len(self.times) > 1:
                row = row[: tf.math.count_nonzero(row >= 0, dtype=tf.int32)]
            return self.step(self.batch_of(row, tf.gather(times, buckets[step])))

        compile_for = self.batch_size if self.fuse else 0
        with fast_layers(self.model, xla=False, compile_for=compile_for):
            return self._steps(logs, first, last)

    def _run_xla(self, rows: Any, buckets: Any, first: Any, last: Any) -> Logs:
        def logs(step: Any, time: int) -> Logs:
            return self.step(self.batch_of(rows[step], time))

        def one(step: Any) -> Logs:
            branches = [lambda time=time: logs(step, time) for time in self.times]
            return tf.switch_case(buckets[step], branches) if len(branches) > 1 else branches[0]()

        with fast_layers(self.model):
            return self._steps(one, first, last)

    def _steps(self, logs: Callable[[Any], Logs], first: Any, last: Any) -> Logs:
        def one_step(step: Any, _: Any) -> tuple[Any, Any]:
            return step + 1, tf.math.is_finite(logs(step)["loss"])

        with fast_adam(self.model.optimizer):
            tf.while_loop(
                lambda step, finite: (step < last) & finite, one_step, [first, tf.constant(True)]
            )
        return self.model.get_metrics_result()


def build_metrics(model: keras.Model, y: np.ndarray) -> None:
    """Let the metrics make their variables, which cannot be made inside a loop."""
    model.compute_metrics(None, y[:1], keras.ops.zeros((1, *model.output_shape[1:])))
    model.reset_metrics()


def compiled_steps(
    model: keras.Model,
    x: np.ndarray | Mapping[str, np.ndarray],
    y: np.ndarray,
    weights: np.ndarray | None,
    *,
    xla: bool,
) -> Callable[[np.ndarray, int, int], Logs]:
    """A compiled function that runs the steps ``first`` to ``last`` of a matrix of rows.

    Args:
        model: compiled; its own ``train_step`` is what runs.
        x: all inputs.
        y: all labels.
        weights: one weight an example, or None.
        xla: compile with XLA.

    Returns:
        A function of ``rows`` (steps, batch), ``first`` and ``last`` that gives the logs. It stops
        after a loss that is not finite, so that the optimizer's count of steps tells which it was.
    """
    build_metrics(model, y)
    batch_of = batches_on_device(x, [y] if weights is None else [y, weights])

    def run(rows: np.ndarray, first: int, last: int) -> Logs:
        rows = np.asarray(rows, np.int32)
        if rows.shape[1] not in loops:
            loops[rows.shape[1]] = Loop(
                model, model.train_step, batch_of, batch_size=rows.shape[1], xla=xla
            )
        return loops[rows.shape[1]](rows, np.zeros(len(rows), np.int32), first, last)

    loops: dict[int, Loop] = {}
    return run


class Engine:
    """The function that ``fit`` calls to train or to test, once for each piece."""

    def __init__(
        self,
        loop: Loop,
        pieces: Pieces,
        progress: Callable[[int], object] = lambda steps: None,
        check: Callable[[Logs], object] = lambda logs: None,
    ) -> None:
        """Take what runs the steps, their rows, who is told of steps and who looks at the logs."""
        self.loop, self.pieces, self.progress, self.check = loop, pieces, progress, check
        self.pace = Pace()

    def __call__(self, iterator: Iterator[Any]) -> Logs:
        """Run every step of the piece whose number comes next; return the logs."""
        rows, buckets = self.pieces[int(next(iterator))]
        step, logs = 0, {}
        for end in self.loop.ends(rows):
            while step < end:
                last = min(step + self.pace.steps, end)
                started = time.perf_counter()
                logs = self.loop(rows, buckets, step, last)
                self.check(logs)
                self.pace.note(last - step, time.perf_counter() - started)
                self.progress(last - step)
                step = last
        return logs


class Stream:
    """The function that ``fit`` calls to train where data come a batch at a time: Keras's."""

    def __init__(
        self,
        model: keras.Model,
        progress: Callable[[int], object],
        check: Callable[[Logs], object],
    ) -> None:
        """Take the compiled model, who is told of steps run, and who looks at the logs."""
        model.make_train_function(force=True)
        self.model, self.run = model, model.train_function
        self.progress, self.check = progress, check

    def __call__(self, iterator: Iterator[Any]) -> Logs:
        """Run one step; return the logs."""
        with fast_adam(self.model.optimizer):  # for the first, which compiles
            logs = self.run(iterator)
        self.check(logs)
        self.progress(1)
        return logs


class LossCheck:
    """Stops a training whose loss is not finite, and says at which step it was."""

    def __init__(self, model: keras.Model, steps_per_epoch: int) -> None:
        """Take the model whose optimizer counts the steps, and how many an epoch has."""
        self.model, self.steps_per_epoch = model, steps_per_epoch

    def __call__(self, logs: Logs) -> None:
        """Look at the loss.

        Raises:
            TrainingDivergedError: if it is not finite.
        """
        if not math.isfinite(loss := float(logs["loss"])):
            epoch, bad = divmod(int(self.model.optimizer.iterations) - 1, self.steps_per_epoch)
            raise TrainingDivergedError(
                f"The loss is {loss} at step {bad + 1} of epoch {epoch + 1}"
            )
