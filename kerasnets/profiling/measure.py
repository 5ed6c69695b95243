"""``profile``: count the parameters and operations of a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.profiling.conventions import Convention, get_convention
from kerasnets.profiling.counts import Counts, Op
from kerasnets.profiling.graph import graph_of, recorded_shapes
from kerasnets.profiling.memory import itemsize, live_bytes, tensor_bytes
from kerasnets.profiling.result import Profile
from kerasnets.profiling.sequences import recurrent_steps, sequence_totals
from kerasnets.profiling.sizes import (
    Factor,
    Shape,
    Size,
    check_positive,
    product,
    symbol,
    symbols_of,
    total,
)
from kerasnets.profiling.totals import LayerProfile
from kerasnets.profiling.training import optimizer_name, training_ops, update_op
from kerasnets.profiling.walk import LayerCall, Walker

MODES = ("inference", "training")


def profile(
    model: keras.Model,
    convention: str = "exact",
    time: int | None = None,
    lengths: Any = None,
    *,
    mode: str = "inference",
    optimizer: str | None = None,
) -> Profile:
    """Count the parameters and operations of any built Keras model for one sample.

    The model is not run, and neither its weights nor any data are read. The batch axis counts
    as 1.

    Args:
        model: a built Keras model: functional, sequential or subclassed.
        convention: what counts as one operation: ``"exact"``, ``"macs"``, ``"tf"``, or another
            registered convention; ``list_conventions`` lists them.
        time: the number of time steps, if it is unknown in the model. Default: the counts are
            expressions in the symbol ``T``.
        lengths: the true lengths of sequences: integers of shape ``(samples,)``, or a data set
            with lengths. Adds ``sequences`` to the profile.
        mode: ``"inference"``, or ``"training"`` to include the backward pass and one weight
            update.
        optimizer: the optimizer whose update is counted in training. Default: the compiled
            optimizer or, if the model is not compiled, Adam.

    Raises:
        ValueError: the model is not a built Keras model; the convention, mode or optimizer is
            unknown; ``time`` is not a positive integer; or a length is larger than ``time``.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"profile takes a keras.Model, got {type(model).__name__}; "
            "build or load one first, such as kerasnets.build('seizure-mlp')."
        )
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    update = optimizer_name(model, optimizer) if mode == "training" else ""
    steps = None if time is None else check_positive("time", time)
    result = _count(_Request(model, get_convention(convention), convention, mode, update), {})
    totals = None if lengths is None else sequence_totals(result, lengths, steps)
    if steps is not None:
        result = _at_time(result, steps)
    return replace(result, sequences=totals)


def _at_time(result: Profile, time: int) -> Profile:
    time_axes = [name for name in result.symbols if name == "T" or name.startswith("T_")]
    if time_axes:
        return result.at(**dict.fromkeys(time_axes, time))
    if recurrent_steps(result) == {time}:
        return result
    raise ValueError(
        f"The model {result.name!r} has no unknown time axis for time={time}; its unknown sizes "
        f"are: {', '.join(result.symbols) or 'none'}."
    )


@dataclass(frozen=True)
class _Request:
    """The arguments of a profile that do not depend on the sizes."""

    model: Any
    convention: Convention
    name: str
    mode: str
    update: str


def _count(request: _Request, sizes: dict[str, int]) -> Profile:
    model = request.model
    walker = Walker(sizes)
    inputs = [walker.tensor(shape, dtype) for shape, dtype in input_shapes(model, sizes)]
    outputs = walker.model(model, inputs)
    live = live_bytes(walker.calls, inputs, outputs)
    rows = _Rows(request)
    layers = [rows.row(call, size) for call, size in zip(walker.calls, live, strict=True)]
    if remaining := [w for w in model.weights if id(w) not in rows.seen]:
        layers.append(rows.model_weights(model, remaining))
    bytes_by_type: Counter[str] = Counter()
    for weight in model.weights:
        bytes_by_type[str(weight.dtype)] += _weight_bytes(weight)
    return Profile(
        name=model.name,
        convention=request.name,
        mode=request.mode,
        params=_elements(model.weights),
        trainable_params=_elements(model.trainable_weights),
        param_bytes=dict(bytes_by_type),
        layers=tuple(layers),
        symbols=_symbols([x.shape for x in inputs], layers),
        recount=lambda more_sizes: _count(request, {**sizes, **more_sizes}),
    )


@dataclass
class _Rows:
    """Builds the rows of a profile. Each weight is counted in the first row that uses it."""

    request: _Request
    seen: set[int] = field(default_factory=set)

    def row(self, call: LayerCall, live: Size) -> LayerProfile:
        """The row of one call."""
        all_weights = list(getattr(call.layer, "weights", ()))
        weights = [w for w in all_weights if id(w) not in self.seen]
        self.seen.update(map(id, weights))
        ops = list(call.ops)
        if self.request.mode == "training":
            ops += training_ops(call)
            ops += update_op(_elements(w for w in weights if w.trainable), self.request.update)
        read = sum(map(_weight_bytes, all_weights))
        return self._build(
            call,
            weights,
            ops,
            activation_bytes=tensor_bytes(call.outputs),
            live_bytes=live,
            moved_bytes=total([tensor_bytes(call.inputs), tensor_bytes(call.outputs), read]),
        )

    def model_weights(self, model: Any, weights: list[Any]) -> LayerProfile:
        """The row of weights that belong to the model and to none of its layers."""
        call = LayerCall(model.name, model, (), (), reason="weights of the model itself")
        return self._build(call, weights, [], activation_bytes=0, live_bytes=0, moved_bytes=0)

    def _build(
        self, call: LayerCall, weights: list[Any], ops: list[Op], **memory: Size
    ) -> LayerProfile:
        steps = tuple((op, cost_factors(self.request.convention, op)) for op in ops)
        return LayerProfile(
            path=call.path,
            type=type(call.layer).__name__,
            output_shapes=tuple(x.shape[1:] for x in call.outputs),
            params=_elements(weights),
            trainable_params=_elements(w for w in weights if w.trainable),
            weights=tuple(tuple(w.shape) for w in weights),
            counts=Counts.sum([Counts(), *(op.counts for op in ops)]),
            macs=total(op.macs for op in ops),
            flops=total(product(factors) for _, factors in steps),
            steps=steps,
            reason="" if ops and call.supported else call.reason,
            supported=call.supported,
            **memory,
        )


def cost_factors(convention: Convention, op: Op) -> tuple[Factor, ...]:
    """The cost of a step under a convention, as factors that include its repetitions."""
    cost = convention(replace(op, repeats=()))
    return (*(cost if isinstance(cost, tuple) else (cost,)), *op.repeats)


def input_shapes(model: Any, sizes: Mapping[str, int]) -> list[tuple[Shape, str]]:
    """The shapes and data types of the inputs of a model, for one sample.

    An unknown axis is a symbol, or the size that ``sizes`` has for it. The symbols are ``T`` for
    a single unknown axis, ``H`` and ``W`` for two, and ``D``, ``H`` and ``W`` for three. If
    several inputs have unknown axes, the name of the input follows: ``T_words``.

    Raises:
        ValueError: the model is not built.
    """
    graph = graph_of(model)
    if graph is None:
        shapes = [(shape, name, "float32") for name, shape in recorded_shapes(model)]
    else:
        shapes = [(_plain(x.shape), x.name, str(x.dtype)) for x in graph.inputs]
    several = sum(None in shape[1:] for shape, _, _ in shapes) > 1
    return [
        (_with_symbols(shape, f"_{name}" if several else "", sizes), dtype)
        for shape, name, dtype in shapes
    ]


_AXES = {1: ("T",), 2: ("H", "W"), 3: ("D", "H", "W")}


def _with_symbols(shape: Shape, suffix: str, sizes: Mapping[str, int]) -> Shape:
    unknown = [axis for axis, side in enumerate(shape) if axis and side is None]
    names = _AXES.get(len(unknown)) or tuple(f"n{axis}" for axis in unknown)
    by_axis = {axis: f"{name}{suffix}" for axis, name in zip(unknown, names, strict=True)}
    sides = (
        sizes.get(by_axis[axis]) or symbol(by_axis[axis]) if axis in by_axis else side
        for axis, side in enumerate(shape)
    )
    return (1, *list(sides)[1:])


def _symbols(inputs: Iterable[Shape], layers: Iterable[LayerProfile]) -> tuple[str, ...]:
    shapes = [*inputs, *(shape for layer in layers for shape in layer.output_shapes)]
    sizes = [side for shape in shapes for side in shape]
    return tuple(sorted({str(s) for side in sizes for s in symbols_of(side)}))


def _elements(weights: Iterable[Any]) -> int:
    return sum(int(math.prod(w.shape)) for w in weights)


def _plain(shape: Iterable[int | None]) -> tuple[int | None, ...]:
    """The sizes as Python integers: Keras before 3.13 keeps the integers of NumPy."""
    return tuple(None if side is None else int(side) for side in shape)


def _weight_bytes(weight: Any) -> int:
    return math.prod(weight.shape) * itemsize(str(weight.dtype))
