"""Many steps in one compiled call, over data that fits in memory.

A small net spends its time in the framework, not in arithmetic: handing a batch from tf.data to a
compiled step, and the logs back, costs more than the step. Here a compiled loop gathers its
batches from arrays on the device, one call for up to an epoch. It stands in for the training
function of Keras's own ``fit``, so callbacks, metrics, history and validation stay Keras's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from kerasnets._errors import WorkFailedError
from kerasnets._lazy import keras, tf

# A call should end this soon, for Ctrl-C and the progress bar.
_SECONDS_A_CALL = 0.3


class TrainingDivergedError(WorkFailedError, ArithmeticError):
    """The loss is not finite any more."""

    def __init__(self, where: str) -> None:
        """Say what is not finite, and where."""
        super().__init__(
            f"{where}. Lower the learning rate or rescale the inputs; the weights of the last "
            "whole epoch before are kept."
        )


def compiled_steps(
    model: keras.Model,
    x: np.ndarray | Mapping[str, np.ndarray],
    y: np.ndarray,
    weights: np.ndarray | None,
    *,
    xla: bool,
) -> Callable[[Any, Any, Any], dict[str, Any]]:
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
    given = (dict(x) if not isinstance(x, np.ndarray) else x, y, weights)
    arrays = tf.nest.map_structure(tf.constant, given[: 2 if weights is None else 3])
    # Variables cannot be made inside the loop, so the metrics make theirs now.
    model.compute_metrics(None, y[:1], keras.ops.zeros((1, *model.output_shape[1:])))
    model.reset_metrics()

    @tf.function(jit_compile=xla, autograph=False, reduce_retracing=False)
    def run(rows: Any, first: Any, last: Any) -> dict[str, Any]:
        def one_step(step: Any, _: Any) -> tuple[Any, Any]:
            batch = tf.nest.map_structure(lambda array: tf.gather(array, rows[step]), arrays)
            return step + 1, tf.math.is_finite(model.train_step(batch)["loss"])

        tf.while_loop(
            lambda step, finite: (step < last) & finite, one_step, [first, tf.constant(True)]
        )
        return model.get_metrics_result()

    return run


class Engine:
    """The training function that ``fit`` calls, once for each matrix of rows."""

    def __init__(
        self,
        model: keras.Model,
        run: Callable[[Any, Any, Any], dict[str, Any]],
        steps_per_epoch: int,
        progress: Callable[[int], object],
    ) -> None:
        """Take the model, what :func:`compiled_steps` made for it, and who is told of steps run."""
        self.model, self.run, self.steps_per_epoch = model, run, steps_per_epoch
        self.progress = progress
        self.steps_a_call = 1

    def __call__(self, iterator: Iterator[Any]) -> dict[str, Any]:
        """Run every step of the next matrix of rows; return the logs.

        Raises:
            TrainingDivergedError: if a loss is not finite.
        """
        rows, step = next(iterator), 0
        logs: dict[str, Any] = {}
        while step < rows.shape[0]:
            last = min(step + self.steps_a_call, rows.shape[0])
            started = time.perf_counter()
            logs = self.run(rows, tf.constant(step), tf.constant(last))
            _check_loss(logs, self.model, self.steps_per_epoch)
            self._adapt(last - step, time.perf_counter() - started)
            self.progress(last - step)
            step = last
        return logs

    def _adapt(self, steps: int, seconds: float) -> None:
        """Let the next call take as many steps as fit into its time, at most 8 times as many."""
        fitting = int(steps * _SECONDS_A_CALL / max(seconds, 1e-9))
        self.steps_a_call = max(1, min(fitting, 8 * self.steps_a_call))


class Stream:
    """The training function that ``fit`` calls for batches made on the fly: Keras's, watched."""

    def __init__(
        self, model: keras.Model, steps_per_epoch: int, progress: Callable[[int], object]
    ) -> None:
        """Take the compiled model, and who is told of steps run."""
        model.make_train_function(force=True)
        self.model, self.run = model, model.train_function
        self.steps_per_epoch, self.progress = steps_per_epoch, progress

    def __call__(self, iterator: Iterator[Any]) -> dict[str, Any]:
        """Run one step; return the logs.

        Raises:
            TrainingDivergedError: if the loss is not finite.
        """
        logs = self.run(iterator)
        _check_loss(logs, self.model, self.steps_per_epoch)
        self.progress(1)
        return logs


def _check_loss(logs: dict[str, Any], model: keras.Model, steps_per_epoch: int) -> None:
    if not math.isfinite(loss := float(logs["loss"])):
        epoch, bad = divmod(int(model.optimizer.iterations) - 1, steps_per_epoch)
        raise TrainingDivergedError(f"The loss is {loss} at step {bad + 1} of epoch {epoch + 1}")
