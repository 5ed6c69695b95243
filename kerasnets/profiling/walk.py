"""Reading a model: every call of every layer, with the shapes of one sample.

The model is never run and its weights are never read: nodes of the functional graph carry the
layers and the shapes. Nested models are entered; a shared layer is met once for each call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling import rules as _rules  # noqa: F401  registers the rules
from kerasnets.profiling.counts import Op
from kerasnets.profiling.graph import graph_of, nodes_of, placeholder, trace
from kerasnets.profiling.infer import output_shapes
from kerasnets.profiling.registry import Call, Uncounted, UnsupportedError, find
from kerasnets.profiling.sizes import Shape


@dataclass(frozen=True)
class Tensor:
    """A value that flows between layers.

    Attributes:
        shape: its shape for one sample, the batch axis 1.
        dtype: its type.
        key: a number of its own within the walk.
        grows: whether a trainable weight lies before it, so that training needs its gradient.
    """

    shape: Shape
    dtype: str
    key: int
    grows: bool = False


@dataclass(frozen=True)
class Visit:
    """One call of one layer.

    Attributes:
        path: the names of the models around it and its own, with slashes between.
        layer: the layer or operation.
        inputs: what goes in.
        outputs: what comes out.
        ops: what it computes; empty where it does nothing that counts.
        reason: why nothing is counted: ``""`` where it is.
        supported: whether ``ops`` is all it computes.
    """

    path: str
    layer: Any
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    ops: tuple[Op, ...] = ()
    reason: str = ""
    supported: bool = True


@dataclass
class Walker:
    """Collects the visits of one walk.

    Attributes:
        sizes: what is known of sizes no layer gives away, by the names of their symbols.
        visits: every call so far, in the order they run.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    _keys: Any = field(default_factory=count)

    def tensor(self, shape: Shape, dtype: str = "float32", grows: bool = False) -> Tensor:
        """A new value."""
        return Tensor(shape, dtype, next(self._keys), grows)

    def model(self, model: Any, inputs: Sequence[Tensor], path: str = "") -> tuple[Tensor, ...]:
        """Walk a model; return its outputs."""
        graph = graph_of(model)
        if graph is None:
            graph = trace(model, *_arguments(model, inputs))
        return self.graph(graph, inputs, path)

    def graph(self, graph: Any, inputs: Sequence[Tensor], path: str) -> tuple[Tensor, ...]:
        """Walk the nodes of a graph; return its outputs."""
        values = {id(x): value for x, value in zip(graph.inputs, inputs, strict=True)}
        for node in nodes_of(graph):
            # A model made from the middle of another keeps nodes before its inputs.
            if all(id(x) in values for x in node.input_tensors):
                outputs = self.node(node, values, path)
                values |= {id(x): value for x, value in zip(node.outputs, outputs, strict=True)}
        return tuple(values[id(x)] for x in graph.outputs)

    def node(self, node: Any, values: Mapping[int, Tensor], path: str) -> tuple[Tensor, ...]:
        """Visit one call in a graph; return its outputs."""
        layer = node.operation
        inputs = tuple(values[id(x)] for x in node.input_tensors)
        path = f"{path}/{layer.name}" if path else layer.name
        if graph_of(layer) is not None:
            return self.model(layer, inputs, path)
        reason = ""
        if find(layer) is None:
            try:
                return self._read(node, inputs, path)
            except UnsupportedError as error:
                reason = str(error)
        shapes = output_shapes(node, [x.shape for x in inputs], self.sizes)
        outputs = tuple(
            self.tensor(shape, str(x.dtype), _grows(layer, inputs))
            for shape, x in zip(shapes, node.outputs, strict=True)
        )
        visit = Visit(path, layer, inputs, outputs, reason=reason, supported=not reason)
        self.visits.append(
            visit if reason else self._counted(visit, _call(node, visit, values, self.inner))
        )
        return outputs

    def _read(self, node: Any, inputs: tuple[Tensor, ...], path: str) -> tuple[Tensor, ...]:
        """Visit a call without a rule as its symbolic call shows it.

        A subclassed model shows its layers; a custom layer is one visit of all its steps.

        Raises:
            UnsupportedError: if it cannot be called symbolically, or a step has no rule.
        """
        layer = node.operation
        if not isinstance(layer, keras.layers.Layer):
            raise UnsupportedError(f"no rule for the operation {type(layer).__name__}")
        graph = trace(layer, *_replaced(node.arguments, inputs))
        if isinstance(layer, keras.Model):
            return self.graph(graph, inputs, path)
        walker = Walker(self.sizes, _keys=self._keys)
        found = walker.graph(graph, inputs, "")
        outputs = tuple(replace(x, grows=_grows(layer, inputs)) for x in found)
        self.visits.append(Visit(path, layer, inputs, outputs, tuple(walker.all_ops())))
        return outputs

    def _counted(self, visit: Visit, call: Call) -> Visit:
        """The visit with the steps its rule gives, once for each entry folded into the batch."""
        found = find(visit.layer)
        if isinstance(found, Uncounted):
            return replace(visit, reason=found.reason, supported=found.complete)
        fold = call.inputs[0][0] if call.inputs and call.inputs[0] else 1
        folded = fold != 1 and isinstance(visit.layer, keras.layers.Layer)
        try:
            ops = found(visit.layer, call.single() if folded else call)  # type: ignore[misc]
            return replace(visit, ops=tuple(op.times(fold) if folded else op for op in ops))
        except UnsupportedError as error:
            return replace(visit, reason=str(error), supported=False)

    def inner(self, layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape] = ()) -> list[Op]:
        """The steps of a layer or function inside another; see :class:`Call`."""
        walker = Walker(self.sizes)
        tensors = [walker.tensor(shape) for shape in inputs]
        if graph_of(layer) is not None:
            walker.model(layer, tensors)
        elif find(layer) is None:
            graph = trace(layer, *_arguments(layer, tensors))
            states = [walker.tensor((1, *x.shape[1:])) for x in graph.inputs[len(tensors) :]]
            walker.graph(graph, [*tensors, *states], "")
        else:
            visit = Visit(layer.name, layer, tuple(tensors), tuple(map(walker.tensor, outputs)))
            call = Call(tuple(inputs), tuple(outputs), walker.inner, tuple(inputs))
            walker.visits.append(walker._counted(visit, call))
        return walker.all_ops()

    def all_ops(self) -> list[Op]:
        """The steps of all visits.

        Raises:
            UnsupportedError: if a visit is not counted whole.
        """
        for visit in self.visits:
            if not visit.supported:
                raise UnsupportedError(f"{visit.path}: {visit.reason}")
        if len(self.visits) == 1:
            return list(self.visits[0].ops)
        return [
            # An operation's steps are named after it already.
            op.labelled(f"{visit.path}:") if hasattr(visit.layer, "weights") else op
            for visit in self.visits
            for op in visit.ops
        ]


def _grows(layer: Any, inputs: Sequence[Tensor]) -> bool:
    return any(x.grows for x in inputs) or bool(getattr(layer, "trainable_weights", ()))


def _call(
    node: Any, visit: Visit, values: Mapping[int, Tensor], inner: Callable[..., list[Op]]
) -> Call:
    """What a rule sees of a call."""
    operands = tuple(
        values[id(x)].shape if id(x) in values else tuple(x.shape)
        for x in node.arguments._flat_arguments
        if hasattr(x, "shape")
    )
    return Call(
        tuple(x.shape for x in visit.inputs),
        tuple(x.shape for x in visit.outputs),
        inner,
        operands,
        node.arguments.args,
        node.arguments.kwargs,
    )


def _arguments(layer: Any, inputs: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call's arguments as a model or cell takes them: its inputs, then a cell's states."""
    tensors = [placeholder(x.shape, x.dtype) for x in inputs]
    first = tensors[0] if len(tensors) == 1 else tensors
    states = getattr(layer, "state_size", None)
    if states is None:
        return (first,), {}
    flat = states if isinstance(states, list | tuple) else [states]
    shapes = [(1, size) if isinstance(size, int) else (1, *size) for size in flat]
    return (first, [placeholder(shape, inputs[0].dtype) for shape in shapes]), {}


def _replaced(arguments: Any, inputs: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call's arguments with fresh symbolic tensors of the inputs' shapes."""
    fresh = iter([placeholder(x.shape, x.dtype) for x in inputs])

    def put(value: Any) -> Any:
        return next(fresh) if isinstance(value, keras.KerasTensor) else value

    return keras.tree.map_structure(put, (arguments.args, arguments.kwargs))
