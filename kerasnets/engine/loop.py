"""Many training or test steps in one compiled call.

A small net spends its time in the framework, not in arithmetic: handing a batch from ``tf.data`` to
a compiled step and its logs back to Python costs more than the step. Here a compiled loop takes its
batches from tensors in memory, up to an epoch per call. The step is the model's own
``train_step`` or ``test_step``.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerasnets._errors import WorkFailedError
from kerasnets._lazy import keras, tf
from kerasnets.engine.exchange import Exchange
from kerasnets.engine.kernels.adam import fast_adam
from kerasnets.engine.kernels.layers import fast_layers
from kerasnets.engine.kernels.metrics import equal_batches
from kerasnets.engine.schedule import Steps
from kerasnets.engine.sources import Source

Logs = dict[str, Any]


class XlaCannotError(WorkFailedError, ValueError):
    """XLA cannot compile a model."""

    def __init__(self, model: keras.Model, error: Exception) -> None:
        """Name the model and the first line of the error of XLA."""
        reason = str(error).partition("\n")[0][:200]
        super().__init__(
            f"XLA cannot compile {model.name} ({reason} …). Train it with xla='auto' or xla='off'."
        )


@dataclass(frozen=True)
class Options:
    """How steps are compiled.

    Attributes:
        xla: compile full batches with XLA.
        xla_optional: if XLA cannot compile the model, train without XLA instead of raising.
        fuse: without ``xla``, let XLA compile parts of a step.
        stop_if_not_finite: stop after a step whose loss is NaN or infinite, so that the optimizer's
            number of iterations tells which step it was.
    """

    xla: bool = False
    xla_optional: bool = False
    fuse: bool = False
    stop_if_not_finite: bool = False


class Loop:
    """The steps of a model over one source, compiled once per shape.

    With XLA, every full batch is compiled, once per bucket length. A smaller batch occurs a few
    times per epoch, so plain TensorFlow runs it, because it compiles much faster.

    Attributes:
        compile_seconds: seconds of compilation, including the first call of each shape.
        meanwhile: called once, while TensorFlow compiles the first call; ``None`` for nothing.
    """

    def __init__(
        self,
        model: keras.Model,
        source: Source,
        batch_size: int,
        options: Options,
        *,
        training: bool = True,
        exchange: Exchange | None = None,
    ) -> None:
        """Prepare the loop; nothing is compiled yet.

        Args:
            model: compiled and built.
            source: builds a batch from tensors. The tensors are passed to each call, so a loop
                can run on other rows of the same form.
            batch_size: rows of a full batch.
            options: how to compile.
            training: run ``train_step``; if false, ``test_step``.
            exchange: how several workers train together; ``None`` for this process alone.
        """
        # Without the rows, because the model keeps the loop in its cache.
        self.model, self.source, self.batch_size = model, source.form(), batch_size
        self.options, self.training, self.exchange = options, training, exchange
        self.compile_seconds = 0.0
        self.meanwhile: Callable[[], object] | None = None
        buckets = source.buckets
        self.lengths = (0,) if buckets is None else tuple(buckets.bucket_lengths.tolist())
        self._compiled: dict[Any, Any] = {}
        self._called: set[Any] = set()  # keys that have run once, so XLA has compiled them

    @property
    def xla(self) -> bool:
        """Whether full batches are compiled with XLA."""
        return self.options.xla

    def __call__(self, tensors: tuple[Any, ...], steps: Steps, first: int, last: int) -> Logs:
        """Run the steps from ``first`` up to, but not including, ``last``.

        Args:
            tensors: from :meth:`Source.tensors`.
            steps: rows and buckets; one of the parts that :meth:`segments` returns.
            first: the first step to run.
            last: the step to stop before.

        Returns:
            The logs of the model's step: by default, the metrics so far.

        Raises:
            XlaCannotError: if XLA cannot compile the model and is not optional. No step was run.
        """
        xla = self.xla and bool(self._is_full(steps.rows[first : first + 1])[0])
        started = time.perf_counter()
        run, key = self._function(xla, tensors, steps)
        new = key not in self._called
        numbers = (tf.constant(number, tf.int32) for number in (first, last))
        try:
            logs = self._run_and_work(run, tensors, *steps.tensors, *numbers)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if not (xla and new):
                raise
            if not self.options.xla_optional:
                raise XlaCannotError(self.model, error) from error
            self.options = replace(self.options, xla=False)
            return self(tensors, steps, first, last)
        if new:
            self._called.add(key)
            self.compile_seconds += time.perf_counter() - started
        return logs

    def _run_and_work(self, run: Callable[..., Logs], *arguments: Any) -> Logs:
        """Run a function. If there is work for the meantime, do it in this thread."""
        if self.meanwhile is None:
            return run(*arguments)
        work, self.meanwhile, counted = self.meanwhile, None, self.compile_seconds
        with ThreadPoolExecutor(1) as thread:  # waits, also after an error or Ctrl-C
            logs = thread.submit(run, *arguments)
            work()
        self.compile_seconds = counted  # the time of this call is added to it
        return logs.result()

    def trace(self, tensors: tuple[Any, ...], steps: Steps, first: int = 0) -> None:
        """Trace the function of a call that begins with the step ``first``, without running it."""
        started = time.perf_counter()
        xla = self.xla and bool(self._is_full(steps.rows[first : first + 1])[0])
        self._function(xla, tensors, steps)
        self.compile_seconds += time.perf_counter() - started

    def segments(self, steps: Steps) -> Iterator[tuple[Steps, int, int]]:
        """Divide steps into parts that use the same compiled function.

        Yields:
            The steps to pass to a call, the first step, and the step to stop before.
        """
        full = self._is_full(steps.rows)
        if len(self.lengths) == 1:
            # Only the last batch may be smaller. Without the missing rows, its shape is exact.
            count = int(full.sum())
            if count:
                yield steps[:count], 0, count
            if count < len(steps):
                rows = steps.rows[count:, : int((steps.rows[count] >= 0).sum())]
                yield Steps(rows, steps.buckets[count:]), 0, len(rows)
            return
        changes = full[1:] != full[:-1] if self.xla else np.zeros(0, bool)
        bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(steps)]
        yield from ((steps, *pair) for pair in itertools.pairwise(bounds))

    def final_logs(self, logs: Logs) -> Logs:
        """Return the logs of an epoch from the logs of its last call.

        As in Keras: the results of the metrics, or the last result of a custom step.
        """
        return self.model._get_metrics_result_or_logs(logs) if self._has_custom_step() else logs

    def _is_full(self, rows: np.ndarray) -> np.ndarray:
        """Whether each step has a full batch."""
        return (rows >= 0).all(axis=1) & (rows.shape[1] == self.batch_size)

    def _function(self, xla: bool, tensors: tuple[Any, ...], steps: Steps) -> tuple[Any, Any]:
        """The compiled function for these shapes, and its key."""
        # XLA needs every shape; plain TensorFlow runs any number of rows and steps.
        shape: tuple[int | None, ...] = steps.rows.shape if xla else (None, None)
        # The other sizes and the types are those of the source.
        key = xla, shape, tuple(t.shape[0] for t in tensors) if xla else ()
        if key not in self._compiled:
            specs = tuple(
                tf.TensorSpec(t.shape if xla else (None, *t.shape[1:]), t.dtype) for t in tensors
            )
            number = tf.TensorSpec((), tf.int32)
            rows, buckets = tf.TensorSpec(shape, tf.int32), tf.TensorSpec(shape[:1], tf.int32)
            # A concrete function, because TensorFlow warns about retracing when one process trains
            # several times.
            run = tf.function(self._run_xla if xla else self._run, jit_compile=xla, autograph=False)
            self._compiled[key] = run.get_concrete_function(specs, rows, buckets, number, number)
        return self._compiled[key], key

    def _run(self, tensors: Any, rows: Any, buckets: Any, first: Any, last: Any) -> Logs:
        lengths = tf.constant(self.lengths)

        def one_step(step: Any) -> Logs:
            row = rows[step]
            if len(self.lengths) > 1:
                row = row[: tf.math.count_nonzero(row >= 0, dtype=tf.int32)]
            return self._step(tensors, row, tf.gather(lengths, buckets[step]))

        compile_for = self.batch_size if self.options.fuse else 0
        with fast_layers(self.model, xla=False, compile_for=compile_for):
            return self._loop(one_step, first, last)

    def _run_xla(self, tensors: Any, rows: Any, buckets: Any, first: Any, last: Any) -> Logs:
        def one_step(step: Any) -> Logs:
            branches = [
                lambda length=length: self._step(tensors, rows[step], length)
                for length in self.lengths
            ]
            return tf.switch_case(buckets[step], branches) if len(branches) > 1 else branches[0]()

        with fast_layers(self.model):
            return self._loop(one_step, first, last)

    def _step(self, tensors: Any, row: Any, length: Any) -> Logs:
        step = self.model.train_step if self.training else self.model.test_step

        def run(rows: Any) -> Logs:
            return step(self.source.gather(tensors, rows, length))

        return run(row) if self.exchange is None else self.exchange.step(row, run)

    def _loop(self, one_step: Callable[[Any], Logs], first: Any, last: Any) -> Logs:
        exchanged = contextlib.nullcontext() if self.exchange is None else self.exchange.traced()
        with fast_adam(self.model.optimizer), equal_batches(self.model), exchanged:
            if self._has_custom_step():
                return self._loop_with_logs(one_step, first, last)
            self._while(lambda step, _: (one_step(step), ()), first, last, ())
        # The logs of Keras's own steps are the metrics, so reading them once is enough.
        logs = self.model.get_metrics_result()
        return logs if self.exchange is None else self.exchange.agreed_logs(logs)

    def _loop_with_logs(self, one_step: Callable[[Any], Logs], first: Any, last: Any) -> Logs:
        """The loop for a custom step. Its logs are passed from step to step."""
        traced = tf.function(one_step, autograph=False)
        concrete = traced.get_concrete_function(tf.TensorSpec((), tf.int32))
        form = concrete.structured_outputs
        if not isinstance(form, dict):
            raise TypeError(f"train_step and test_step must return a dict, got {type(form)}")
        zeros = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), form)

        def body(step: Any, _: Any) -> tuple[Logs, Logs]:
            logs = concrete(step)
            return logs, logs

        return self._while(body, first, last, zeros)

    def _while(self, body: Callable[[Any, Any], tuple[Logs, Any]], first: Any, last: Any,
               carried: Any) -> Any:  # fmt: skip
        def one(step: Any, _: Any, carried: Any) -> tuple[Any, Any, Any]:
            logs, carried = body(step, carried)
            finite = tf.constant(True)
            if self.exchange is not None:
                finite = self.exchange.is_finite()
            elif self.options.stop_if_not_finite and "loss" in logs:
                finite = tf.reduce_all(tf.math.is_finite(logs["loss"]))
            return step + 1, finite, carried

        return tf.while_loop(
            lambda step, finite, _: (step < last) & finite, one, [first, tf.constant(True), carried]
        )[2]

    def _has_custom_step(self) -> bool:
        """Whether the logs of a step may differ from the results of the metrics."""
        names = "train_step" if self.training else "test_step", "compute_metrics"
        own = [vars(self.model).get(name, getattr(type(self.model), name)) for name in names]
        return any(
            method is not getattr(keras.Model, n) for n, method in zip(names, own, strict=True)
        )
