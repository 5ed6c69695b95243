"""Reading a model: every call of every layer, with the shapes of one sample.

The model is never run and its weights are never read: nodes of the functional graph carry the
layers and the shapes. Nested models are entered; a shared layer is met once for each call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling import rules as _rules  # noqa: F401  registers the rules
from kerasnets.profiling.counts import Op
from kerasnets.profiling.registry import Call, UnsupportedError, find
from kerasnets.profiling.shapes import Known, fill
from kerasnets.profiling.sizes import Shape


@dataclass(frozen=True)
class Visit:
    """One call of one layer.

    Attributes:
        path: the names of the models around it and its own, with slashes between.
        layer: the layer.
        inputs: the shapes that go in, for one sample, the batch axis 1.
        outputs: the shapes that come out.
        ops: what it computes; empty where it does nothing that counts.
        reason: why nothing is counted: ``""`` where it is.
        supported: whether ``ops`` is all it computes.
    """

    path: str
    layer: Any
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    ops: tuple[Op, ...] = ()
    reason: str = ""
    supported: bool = True


def walk(model: Any, inputs: Sequence[Shape]) -> list[Visit]:
    """Every call in a model, in the order they run.

    Args:
        model: a built Keras model.
        inputs: the shape of each input, flattened as Keras does, with a batch axis of 1.
    """
    walker = _Walker()
    walker.model(model, inputs, "")
    return walker.visits


def graph_of(model: Any) -> Any | None:
    """The functional graph of a model, or ``None`` if it has none."""
    if isinstance(model, keras.Sequential):
        model = model._functional
    return model if hasattr(model, "_nodes_by_depth") else None


def nodes_of(graph: Any) -> Iterator[Any]:
    """The nodes of a functional graph in the order they run, inputs left out."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.operation is not None and not node.is_input:
                yield node


class _Walker:
    """Collects the visits of one walk."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []

    def model(self, model: Any, inputs: Sequence[Shape], path: str) -> tuple[Shape, ...]:
        """Walk a model; return the shapes of its outputs."""
        graph = graph_of(model)
        if graph is None:
            raise UnsupportedError(f"{type(model).__name__} has no functional graph")
        shapes = {id(x): shape for x, shape in zip(graph.inputs, inputs, strict=True)}
        for node in nodes_of(graph):
            # A model made from the middle of another keeps nodes before its inputs.
            if any(id(x) not in shapes for x in node.input_tensors):
                continue
            given = tuple(shapes[id(x)] for x in node.input_tensors)
            known = [tuple(x.shape) for x in node.outputs]
            outputs = self.layer(node.operation, given, known, path)
            shapes |= {id(x): shape for x, shape in zip(node.outputs, outputs, strict=True)}
        return tuple(shapes[id(x)] for x in graph.outputs)

    def layer(
        self,
        layer: Any,
        inputs: tuple[Shape, ...],
        known: Sequence[Known],
        path: str,
    ) -> tuple[Shape, ...]:
        """Visit one call; return the shapes of its outputs."""
        path = f"{path}/{layer.name}" if path else layer.name
        if graph_of(layer) is not None:
            return self.model(layer, inputs, path)
        outputs = tuple(fill(layer, inputs, shape) for shape in known)
        self.visits.append(_visit(path, layer, inputs, outputs))
        return outputs


def _visit(path: str, layer: Any, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Visit:
    found = find(layer)
    if isinstance(found, str):
        return Visit(path, layer, inputs, outputs, reason=found)
    if found is None:
        reason = f"no rule for {type(layer).__name__}"
        return Visit(path, layer, inputs, outputs, reason=reason, supported=False)
    try:
        ops = tuple(found(layer, Call(inputs, outputs, _inner)))
    except UnsupportedError as error:
        return Visit(path, layer, inputs, outputs, reason=str(error), supported=False)
    return Visit(path, layer, inputs, outputs, ops)


def _inner(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape] = ()) -> list[Op]:
    walker = _Walker()
    walker.layer(layer, tuple(inputs), outputs, "")
    for visit in walker.visits:
        if not visit.supported:
            raise UnsupportedError(f"{visit.path}: {visit.reason}")
    return [op for visit in walker.visits for op in visit.ops]
