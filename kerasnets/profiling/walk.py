"""Reading a model: every call of every layer, with the shapes of one sample.

The model is never run and its weights are never read: nodes of the functional graph carry the
layers and the shapes. Nested models are entered; a shared layer is met once for each call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
            graph = trace(
                model, *_arguments(model, [placeholder(x.shape, x.dtype) for x in inputs])
            )
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
        shapes = output_shapes(node, [x.shape for x in inputs], self.sizes)
        grows = any(x.grows for x in inputs) or bool(getattr(layer, "trainable_weights", ()))
        outputs = tuple(
            self.tensor(shape, str(x.dtype), grows)
            for shape, x in zip(shapes, node.outputs, strict=True)
        )
        if isinstance(layer, keras.Model) and find(layer) is None:
            return self._subclassed(node, layer, inputs, outputs, path)
        operands = [
            values[id(x)].shape if id(x) in values else tuple(x.shape)
            for x in node.arguments._flat_arguments
            if hasattr(x, "shape")
        ]
        visit = Visit(path, layer, inputs, outputs)
        call = Call(
            tuple(x.shape for x in inputs),
            tuple(x.shape for x in outputs),
            self.inner,
            tuple(operands),
            node.arguments.args,
            node.arguments.kwargs,
        )
        self.visits.append(self._folded(visit, call))
        return outputs

    def _folded(self, visit: Visit, call: Call) -> Visit:
        """The visit of a layer, once for each entry that was folded into its batch axis."""
        fold = visit.inputs[0].shape[0] if visit.inputs and visit.inputs[0].shape else 1
        if fold == 1 or not isinstance(visit.layer, keras.layers.Layer):
            return self._counted(visit, call)
        single = replace(
            call,
            inputs=tuple((1, *shape[1:]) for shape in call.inputs),
            outputs=tuple((1, *shape[1:]) for shape in call.outputs),
        )
        counted = self._counted(visit, single)
        return replace(counted, ops=tuple(op.times(fold) for op in counted.ops))

    def _subclassed(
        self,
        node: Any,
        model: Any,
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        path: str,
    ) -> tuple[Tensor, ...]:
        try:
            graph = trace(model, *_replaced(node.arguments.args, node.arguments.kwargs, inputs))
        except UnsupportedError as error:
            self.visits.append(
                Visit(path, model, inputs, outputs, reason=str(error), supported=False)
            )
            return outputs
        return self.graph(graph, inputs, path)

    def inner(
        self,
        layer: Any,
        inputs: Sequence[Shape],
        outputs: Sequence[Shape] = (),
        args: Sequence[Any] | None = None,
    ) -> list[Op]:
        """The steps of a layer or function inside another; see :class:`Call`."""
        walker = Walker(self.sizes)
        tensors = [walker.tensor(shape) for shape in inputs]
        if graph_of(layer) is not None or isinstance(layer, keras.Model):
            walker.model(layer, tensors)
        else:
            name = getattr(layer, "name", "")
            visit = Visit(name, layer, tuple(tensors), tuple(map(walker.tensor, outputs)))
            call = Call(tuple(inputs), tuple(outputs), walker.inner, tuple(inputs), args or ())
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

    def _counted(self, visit: Visit, call: Call) -> Visit:
        found = find(visit.layer)
        if isinstance(found, Uncounted):
            return replace(visit, reason=found.reason, supported=found.complete)
        try:
            ops = self._traced(visit, call) if found is None else found(visit.layer, call)
            return replace(visit, ops=tuple(ops))
        except UnsupportedError as error:
            return replace(visit, reason=str(error), supported=False)

    def _traced(self, visit: Visit, call: Call) -> list[Op]:
        """The steps of a layer without a rule, read from a symbolic call."""
        if call.args or call.kwargs:
            arguments = _replaced(call.args, call.kwargs, visit.inputs)
        else:
            arguments = _arguments(
                visit.layer, [placeholder(x.shape, x.dtype) for x in visit.inputs]
            )
        graph = trace(visit.layer, *arguments)
        walker = Walker(self.sizes)
        inputs = [walker.tensor((1, *x.shape[1:]), x.dtype) for x in graph.inputs]
        inputs[: len(visit.inputs)] = visit.inputs
        walker.graph(graph, inputs, "")
        return walker.all_ops()


def _arguments(layer: Any, tensors: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call's arguments as a model or cell takes them: its inputs, then a cell's states."""
    states = getattr(layer, "state_size", None)
    first = tensors[0] if len(tensors) == 1 else tensors
    if states is None:
        return (first,), {}
    sizes = [(size,) if isinstance(size, int) else tuple(size) for size in _as_list(states)]
    return (first, [placeholder((1, *size), tensors[0].dtype) for size in sizes]), {}


def _as_list(states: Any) -> list[Any]:
    return list(states) if isinstance(states, list | tuple) else [states]


def _replaced(
    args: Sequence[Any], kwargs: Mapping[str, Any], inputs: Sequence[Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call's arguments with fresh symbolic tensors of the inputs' shapes."""
    fresh = iter([placeholder(x.shape, x.dtype) for x in inputs])

    def put(value: Any) -> Any:
        return next(fresh) if isinstance(value, keras.KerasTensor) else value

    return keras.tree.map_structure(put, (tuple(args), dict(kwargs)))
