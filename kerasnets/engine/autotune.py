"""Decide whether to use XLA, from the layers of a model and the number of steps.

XLA fuses small operations, as in dense nets and in the loop of a recurrent layer. But it takes
longer to compile, and its convolutions are slower than TensorFlow's own. The rule adds up the time
of each layer with and without XLA, and chooses the shorter training. It does not depend on
measurements at run time. So the same training is always compiled in the same way. This matters
because the last digits of the results depend on the choice. ``scripts/benchmarks/xla_rule.py``
measures the constants below and compares the rule with the better choice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kerasnets._lazy import keras
from kerasnets.engine.sources import Source


@dataclass(frozen=True)
class Cost:
    """Time that a training takes, with or without XLA.

    Attributes:
        compile: seconds until the first step is done.
        step: seconds per step from then on.
    """

    compile: float = 0.0
    step: float = 0.0

    def of(self, steps: float) -> float:
        """Return the seconds for a number of steps, including compilation."""
        return self.compile + steps * self.step

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.compile + other.compile, self.step + other.step)

    def __mul__(self, factor: float) -> Cost:
        return Cost(self.compile * factor, self.step * factor)


@dataclass(frozen=True)
class _Rates:
    """Cost of one layer: per layer, per time step of its loop, and per floating-point operation."""

    layer: Cost
    loop_step: float
    flop: float


# Seconds for forward pass, backward pass and update. They are fitted to the costs of all nets of
# the catalogue, measured with scripts/benchmarks/xla_rule.py on two cores. The fit minimizes the
# time lost by wrong choices, so the time of a single layer is only approximate.
_PLAIN = {
    "recurrent": _Rates(Cost(0.41, 47e-6), 260e-6, 1 / 58e9),
    "convolution": _Rates(Cost(0.11, 780e-6), 0.0, 1 / 102e9),
    "other": _Rates(Cost(0.01, 39e-6), 0.0, 1 / 64e9),
}
_XLA = {
    "recurrent": _Rates(Cost(0.38, 0.0), 15e-6, 1 / 64e9),
    "convolution": _Rates(Cost(0.59, 0.0), 0.0, 1 / 4e9),
    "other": _Rates(Cost(0.156, 4e-6), 0.0, 1 / 86e9),
}
_TEST_STEP = 1 / 3  # time of a test step, divided by that of a training step
_START = {False: Cost(0.185, 3e-6), True: Cost(0.181, 2e-6)}  # for any model


def choose_xla(
    model: keras.Model, source: Source, batch_size: int, steps: int, *, training: bool = True
) -> bool:
    """Return whether the steps are estimated to take less time with XLA.

    Args:
        model: built.
        source: the data.
        batch_size: rows per step.
        steps: number of steps of the training, or of all its validations.
        training: training steps; if false, test steps, which have no backward pass and no update.
    """
    # Not model.jit_compile: by default it is False on every machine without an accelerator.
    if not all(layer.supports_jit for layer in model._flatten_layers()):
        return False
    share = 1.0 if training else _TEST_STEP
    plain, xla = (estimate(model, source, batch_size, xla=use) for use in (False, True))
    return xla.of(steps * share) < plain.of(steps * share)


def estimate(model: keras.Model, source: Source, batch_size: int, *, xla: bool) -> Cost:
    """Estimate the cost of a training from the layers of the model.

    Args:
        model: built.
        source: its training data. XLA compiles the steps once per bucket length.
        batch_size: rows per step.
        xla: whether XLA compiles the steps.
    """
    lengths, length = 1, 1.0
    if (buckets := source.buckets) is not None:
        lengths, length = len(buckets.bucket_lengths), float(buckets.lengths.mean())
    rates, total = _XLA if xla else _PLAIN, Cost()
    for layer in model._flatten_layers(include_self=False):
        for kind, loop_steps, flops in _work(layer, length):
            rate = rates[kind]
            seconds = loop_steps * rate.loop_step + batch_size * flops * rate.flop
            total += rate.layer + Cost(0.0, seconds)
    return _START[xla] + Cost(total.compile * (lengths if xla else 1), total.step)


def _work(layer: Any, length: float) -> Iterator[tuple[str, float, float]]:
    """Yield kind, sequential steps and FLOPs per row of a layer with weights."""
    weights = sum(math.prod(w.shape) for w in layer.weights if len(w.shape) > 1)
    if isinstance(layer, keras.layers.RNN):
        steps = _time_steps(layer, length)
        yield "recurrent", steps, 6 * weights * steps
    elif not weights or getattr(layer, "cell", None) is not None or _has_sublayers(layer):
        return
    else:
        spatial = _positions(layer, length)
        is_convolution = hasattr(layer, "kernel_size") and spatial > 1
        yield "convolution" if is_convolution else "other", 0.0, 6 * weights * spatial


def _has_sublayers(layer: Any) -> bool:
    return len(layer._flatten_layers(include_self=False)) > 0


def _time_steps(layer: Any, length: float) -> float:
    shape = _input_shape(layer)
    return float(shape[1]) if shape and len(shape) > 1 and shape[1] else length


def _positions(layer: Any, length: float) -> float:
    """The number of positions per row at which a layer applies its weights."""
    shape = _output_shape(layer)
    return math.prod(length if size is None else size for size in shape[1:-1]) if shape else 1.0


def _input_shape(layer: Any) -> tuple[int | None, ...] | None:
    shape = getattr(layer, "_build_shapes_dict", None) or {}
    first = shape.get("input_shape") or shape.get("sequences_shape")
    return first if isinstance(first, tuple) else None


def _output_shape(layer: Any) -> tuple[int | None, ...] | None:
    if (shape := _input_shape(layer)) is None:
        return None
    try:
        result = layer.compute_output_shape(shape)
    except (NotImplementedError, TypeError, ValueError):
        return shape
    return result if isinstance(result, tuple) else None


def measure(model: keras.Model, run: Callable[[int], Any], max_steps: int) -> Cost:
    """Measure the time of a few steps, and restore the variables of the model afterwards.

    Args:
        model: compiled and built.
        run: runs a number of steps and waits for them; the first call compiles.
        max_steps: largest number of steps to run at once.
    """
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [variable.numpy() for variable in variables]
    started = time.perf_counter()
    run(1)
    compiled = time.perf_counter() - started

    def seconds(steps: int) -> float:
        started = time.perf_counter()
        run(steps)
        return time.perf_counter() - started

    steps = 1
    while seconds(steps) < _SECONDS_TO_MEASURE / 4 and steps < max_steps:
        steps = min(4 * steps, max_steps)
    # Measure again, because the first run of each bucket length takes longer, and because other
    # work on the machine only ever adds time.
    step = min(seconds(steps) for _ in range(3)) / steps
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    return Cost(compiled, step)


_SECONDS_TO_MEASURE = 0.2
