"""The profile of a model: what it costs, layer by layer, under a named convention."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kerasnets._lazy import keras
from kerasnets._names import unknown_name
from kerasnets.profiling.conventions import Convention, get_convention
from kerasnets.profiling.counts import Counts, Op
from kerasnets.profiling.sequences import SequenceTotals, recurrent_steps, sequence_totals
from kerasnets.profiling.sizes import Factor, Shape, Size, product, symbol, total
from kerasnets.profiling.walk import Visit, graph_of, walk


@dataclass(frozen=True)
class LayerProfile:
    """One call of one layer.

    Attributes:
        path: the names of the models around it and its own, with slashes between.
        type: its class.
        output_shapes: the shapes that come out, for one sample, without the batch axis.
        params: its parameters; 0 where an earlier row has them already.
        trainable_params: those of them that training changes.
        counts: its scalar operations, the kinds kept apart.
        macs: multiply–adds of matrix products and convolutions.
        flops: its cost under the profile's convention.
        steps: what it computes, each step with its cost.
        reason: why nothing is counted; ``""`` where something is.
        supported: whether everything it computes is counted.
        weights: the shapes of its parameters.
    """

    path: str
    type: str
    output_shapes: tuple[Shape, ...]
    params: int
    trainable_params: int
    counts: Counts
    macs: Size
    flops: Size
    steps: tuple[tuple[Op, tuple[Factor, ...]], ...]
    reason: str = ""
    supported: bool = True
    weights: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Profile:
    """What a model costs for one sample.

    Attributes:
        name: the model's name.
        convention: the convention of ``flops``.
        params: parameters, each once however often its layer is called.
        trainable_params: those that training changes.
        layers: every call of every layer.
        symbols: the names of the sizes that are not known.
        sequences: the three totals of a recurrent net where lengths were given.
        recount: the same profile with sizes put in for symbols; what ``at`` calls.
    """

    name: str
    convention: str
    params: int
    trainable_params: int
    layers: tuple[LayerProfile, ...]
    symbols: tuple[str, ...]
    recount: Callable[[dict[str, int]], Profile] = field(repr=False, compare=False)
    sequences: SequenceTotals | None = None

    @property
    def flops(self) -> Size:
        """The cost of a forward pass of one sample; an ``int`` where every size is known."""
        return total(layer.flops for layer in self.layers)

    @property
    def macs(self) -> Size:
        """Multiply–adds of matrix products and convolutions."""
        return total(layer.macs for layer in self.layers)

    @property
    def counts(self) -> Counts:
        """The scalar operations, the kinds kept apart."""
        return Counts.sum(layer.counts for layer in self.layers)

    @property
    def non_trainable_params(self) -> int:
        """Parameters that training leaves as they are."""
        return self.params - self.trainable_params

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The paths of layers whose cost is missing from the totals, each with the reason."""
        return tuple(
            f"{layer.path}: {layer.reason}" for layer in self.layers if not layer.supported
        )

    def at(self, **sizes: int) -> Profile:
        """The profile with sizes put in for symbols, such as ``.at(T=178)``.

        Raises:
            ValueError: if there is no such symbol or a size is not a positive integer.
        """
        for name in sizes:
            if name not in self.symbols:
                raise unknown_name(f"symbol of {self.name}", name, self.symbols or ["(none)"])
        return self.recount({name: positive(name, size) for name, size in sizes.items()})

    def to_text(self) -> str:
        """The table in plain text, as it prints."""
        return _table().text(self)

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return _table().markdown(self)

    def to_html(self) -> str:
        """The table in HTML, which notebooks show by themselves."""
        return _table().html(self)

    def to_json(self) -> str:
        """The table and its totals in JSON; an unknown size makes a number a string."""
        return _table().json_text(self)

    def to_csv(self) -> str:
        """One line a call, in CSV with a header."""
        return _table().csv_text(self)

    def explain(self) -> str:
        """The calculation of every layer, written out as one does it by hand."""
        return importlib.import_module("kerasnets.profiling.explain").explain(self)

    __str__ = to_text
    _repr_html_ = to_html


def _table() -> Any:
    # The table needs this module's types, so it is taken when a table is asked for.
    return importlib.import_module("kerasnets.profiling.table")


def positive(name: str, size: Any) -> int:
    """The size as an ``int``.

    Raises:
        ValueError: if it is not a positive integer.
    """
    if isinstance(size, bool) or not hasattr(size, "__index__") or int(size) < 1:
        raise ValueError(f"{name} must be a positive integer, got {size!r}.")
    return int(size)


def profile(
    model: keras.Model,
    convention: str = "exact",
    time: int | None = None,
    lengths: Any = None,
) -> Profile:
    """Count the parameters and operations of any built Keras model for one sample.

    The model is read, not run. The batch axis counts as 1.

    Args:
        model: a built Keras model.
        convention: what an operation costs: ``"exact"``, ``"macs"``, ``"tf"``, ``"s2"``,
            ``"s5"`` or one of your own.
        time: the number of time steps where the model leaves it open; an expression in ``T``
            without.
        lengths: true lengths of sequences, integers of shape ``(samples,)`` or a data set that
            has them; fills in ``sequences``.

    Raises:
        ValueError: if the model is not a built Keras model, the convention is unknown, a size is
            not a positive integer or a length is over the padded time.
    """
    graph = _graph(model)
    get_convention(convention)
    result = _count(model, graph, convention, {})
    padded = None if time is None else positive("time", time)
    totals = None if lengths is None else sequence_totals(result, lengths, padded)
    if padded is not None:
        result = _at_time(result, padded)
    return replace(result, sequences=totals)


def _at_time(result: Profile, time: int) -> Profile:
    if "T" in result.symbols:
        return result.at(T=time)
    if recurrent_steps(result) == {time}:
        return result
    raise ValueError(
        f"The model {result.name!r} has no unknown time axis for time={time}; its unknown sizes "
        f"are: {', '.join(result.symbols) or 'none'}."
    )


def _count(model: Any, graph: Any, convention: str, sizes: dict[str, int]) -> Profile:
    inputs = input_shapes(graph, sizes)
    unknown = {str(s) for shape in inputs for side in shape for s in _symbols(side)}
    seen: set[int] = set()
    cost = get_convention(convention)
    return Profile(
        name=model.name,
        convention=convention,
        params=_size(model.weights),
        trainable_params=_size(model.trainable_weights),
        layers=tuple(_row(visit, cost, seen) for visit in walk(model, inputs)),
        symbols=tuple(sorted(unknown)),
        recount=lambda more: _count(model, graph, convention, {**sizes, **more}),
    )


def _graph(model: Any) -> Any:
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"profile takes a keras.Model, got {type(model).__name__}; "
            "build or load one first, such as kerasnets.build('seizure-mlp')."
        )
    if not model.built or (graph := graph_of(model)) is None:
        raise ValueError(
            f"The model {model.name!r} is not built, so its shapes are not known; "
            "call model.build(input_shape) or start it with keras.Input."
        )
    return graph


_AXES = {1: ("T",), 2: ("H", "W"), 3: ("D", "H", "W")}


def input_shapes(graph: Any, sizes: Mapping[str, int]) -> list[Shape]:
    """The shapes of a model's inputs for one sample, unknown axes as sizes given or symbols."""
    shapes: list[Shape] = []
    for tensor in graph.inputs:
        unknown = [axis for axis, side in enumerate(tensor.shape) if axis and side is None]
        names = _AXES.get(len(unknown)) or tuple(f"n{axis}" for axis in unknown)
        by_axis = {a: sizes.get(n) or symbol(n) for a, n in zip(unknown, names, strict=True)}
        sides = [by_axis.get(axis, side) for axis, side in enumerate(tensor.shape)]
        shapes.append((1, *sides[1:]))
    return shapes


def _symbols(side: Size) -> set[Any]:
    return set() if isinstance(side, int) else side.free_symbols


def _row(visit: Visit, cost: Convention, seen: set[int]) -> LayerProfile:
    weights = [w for w in getattr(visit.layer, "weights", ()) if id(w) not in seen]
    seen.update(map(id, weights))
    steps = tuple((op, priced(cost, op)) for op in visit.ops)
    return LayerProfile(
        path=visit.path,
        type=type(visit.layer).__name__,
        output_shapes=tuple(shape[1:] for shape in visit.outputs),
        params=_size(weights),
        trainable_params=_size(w for w in weights if w.trainable),
        counts=Counts.sum([Counts(), *(op.counts for op in visit.ops)]),
        macs=total(op.macs for op in visit.ops),
        flops=total(product(cost) for _, cost in steps),
        steps=steps,
        reason=visit.reason,
        supported=visit.supported,
        weights=tuple(tuple(w.shape) for w in weights),
    )


def _size(weights: Any) -> int:
    return sum(math.prod(w.shape) for w in weights)


def priced(convention: Convention, op: Op) -> tuple[Factor, ...]:
    """What a step costs under a convention, as factors, its repeats among them."""
    cost = convention(op)
    return (*(cost if isinstance(cost, tuple) else (cost,)), *op.repeats)
