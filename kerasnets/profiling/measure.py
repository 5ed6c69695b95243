"""``profile``: from a model to its profile."""

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
from kerasnets.profiling.memory import alive, itemsize, tensor_bytes
from kerasnets.profiling.profile import LayerProfile, Profile
from kerasnets.profiling.sequences import recurrent_steps, sequence_totals
from kerasnets.profiling.sizes import (
    Factor,
    Shape,
    Size,
    positive,
    product,
    symbol,
    symbols_of,
    total,
)
from kerasnets.profiling.training import optimizer_name, training_ops, update_op
from kerasnets.profiling.walk import Visit, Walker

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

    The model is read, not run: neither weights nor data are needed. The batch axis counts as 1.

    Args:
        model: a built Keras model: functional, sequential, or subclassed.
        convention: what an operation costs: ``"exact"``, ``"macs"``, ``"tf"``, ``"s2"``,
            ``"s5"`` or one of your own.
        time: the number of time steps where the model leaves it open; an expression in ``T``
            without.
        lengths: true lengths of sequences, integers of shape ``(samples,)`` or a data set that
            has them; fills in ``sequences``.
        mode: ``"inference"``, or ``"training"`` to count backward pass and update as well, the
            update once.
        optimizer: whose update is counted in training; the compiled one, or Adam.

    Raises:
        ValueError: if the model is not a built Keras model, the convention, mode or optimizer
            is unknown, a size is not a positive integer or a length is over the padded time.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"profile takes a keras.Model, got {type(model).__name__}; "
            "build or load one first, such as kerasnets.build('seizure-mlp')."
        )
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    update = optimizer_name(model, optimizer) if mode == "training" else ""
    padded = None if time is None else positive("time", time)
    result = _count(_Request(model, get_convention(convention), convention, mode, update), {})
    totals = None if lengths is None else sequence_totals(result, lengths, padded)
    if padded is not None:
        result = _at_time(result, padded)
    return replace(result, sequences=totals)


def _at_time(result: Profile, time: int) -> Profile:
    open_axes = [name for name in result.symbols if name == "T" or name.startswith("T_")]
    if open_axes:
        return result.at(**dict.fromkeys(open_axes, time))
    if recurrent_steps(result) == {time}:
        return result
    raise ValueError(
        f"The model {result.name!r} has no unknown time axis for time={time}; its unknown sizes "
        f"are: {', '.join(result.symbols) or 'none'}."
    )


@dataclass(frozen=True)
class _Request:
    """What is asked of a profile, whatever the sizes."""

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
    live = alive(walker.visits, inputs, outputs)
    rows = _Rows(request)
    layers = [rows.row(visit, size) for visit, size in zip(walker.visits, live, strict=True)]
    if left := [w for w in model.weights if id(w) not in rows.seen]:
        layers.append(rows.own(model, left))
    by_type: Counter[str] = Counter()
    for weight in model.weights:
        by_type[str(weight.dtype)] += math.prod(weight.shape) * itemsize(str(weight.dtype))
    return Profile(
        name=model.name,
        convention=request.name,
        mode=request.mode,
        params=_size(model.weights),
        trainable_params=_size(model.trainable_weights),
        param_bytes=dict(by_type),
        layers=tuple(layers),
        symbols=_symbols([x.shape for x in inputs], layers),
        recount=lambda more: _count(request, {**sizes, **more}),
    )


@dataclass
class _Rows:
    """Makes the rows of a profile; a weight belongs to the first row that has it."""

    request: _Request
    seen: set[int] = field(default_factory=set)

    def row(self, visit: Visit, live: Size) -> LayerProfile:
        """The row of one call."""
        every = list(getattr(visit.layer, "weights", ()))
        weights = [w for w in every if id(w) not in self.seen]
        self.seen.update(map(id, weights))
        ops = list(visit.ops)
        if self.request.mode == "training":
            ops += training_ops(visit)
            ops += update_op(_size(w for w in weights if w.trainable), self.request.update)
        read = sum(math.prod(w.shape) * itemsize(str(w.dtype)) for w in every)
        return self._made(
            visit,
            weights,
            ops,
            activation_bytes=tensor_bytes(visit.outputs),
            live_bytes=live,
            moved_bytes=total([tensor_bytes(visit.inputs), tensor_bytes(visit.outputs), read]),
        )

    def own(self, model: Any, weights: list[Any]) -> LayerProfile:
        """The row of weights that a model has beside its layers."""
        visit = Visit(model.name, model, (), (), reason="weights beside the layers")
        return self._made(visit, weights, [], activation_bytes=0, live_bytes=0, moved_bytes=0)

    def _made(
        self, visit: Visit, weights: list[Any], ops: list[Op], **memory: Size
    ) -> LayerProfile:
        steps = tuple((op, priced(self.request.convention, op)) for op in ops)
        return LayerProfile(
            path=visit.path,
            type=type(visit.layer).__name__,
            output_shapes=tuple(x.shape[1:] for x in visit.outputs),
            params=_size(weights),
            trainable_params=_size(w for w in weights if w.trainable),
            weights=tuple(tuple(w.shape) for w in weights),
            counts=Counts.sum([Counts(), *(op.counts for op in ops)]),
            macs=total(op.macs for op in ops),
            flops=total(product(factors) for _, factors in steps),
            steps=steps,
            reason="" if ops and visit.supported else visit.reason,
            supported=visit.supported,
            **memory,
        )


def priced(convention: Convention, op: Op) -> tuple[Factor, ...]:
    """What a step costs under a convention, as factors, its repeats among them."""
    cost = convention(replace(op, repeats=()))
    return (*(cost if isinstance(cost, tuple) else (cost,)), *op.repeats)


def input_shapes(model: Any, sizes: Mapping[str, int]) -> list[tuple[Shape, str]]:
    """The shapes of a model's inputs for one sample with their types.

    An unknown axis is the size given for its symbol, or the symbol: ``T`` if it is the only one
    of its input, ``H`` and ``W``, or ``D``, ``H`` and ``W``. Where several inputs have unknown
    axes their names follow: ``T_words``.
    """
    graph = graph_of(model)
    if graph is None:
        shapes = [(shape, f"input_{at}", "float32") for at, shape in _numbered(model)]
    else:
        shapes = [(tuple(x.shape), x.name, str(x.dtype)) for x in graph.inputs]
    several = sum(None in shape[1:] for shape, _, _ in shapes) > 1
    return [
        (_with_symbols(shape, f"_{name}" if several else "", sizes), dtype)
        for shape, name, dtype in shapes
    ]


def _numbered(model: Any) -> Iterable[tuple[int, Shape]]:
    return enumerate(recorded_shapes(model), start=1)


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


def _size(weights: Iterable[Any]) -> int:
    return sum(math.prod(w.shape) for w in weights)
