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
from kerasnets.profiling.registry import Call, Uncounted, UnsupportedError, find
from kerasnets.profiling.shapes import Known, fill, probe
from kerasnets.profiling.sizes import Shape, Size, is_known, symbol


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
        shapes = [self._shape(node, layer, inputs, tuple(x.shape)) for x in node.outputs]
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
        self.visits.append(self._counted(visit, call))
        return outputs

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

    def _shape(self, node: Any, layer: Any, inputs: Sequence[Tensor], known: Known) -> Shape:
        shapes = [x.shape for x in inputs]
        sides = fill(layer, shapes, known)
        if None in sides:
            sides = _derived(node, shapes, known, sides)
        if any(isinstance(side, int) and side < 1 for side in sides[1:]):
            raise ValueError(
                f"The layer {layer.name!r} leaves nothing of an input of shape "
                f"{', '.join(str(shape[1:]) for shape in shapes)}; give larger sizes."
            )
        return tuple(
            self._unknown(f"{layer.name}_{axis}") if side is None else side
            for axis, side in enumerate(sides)
        )

    def _unknown(self, name: str) -> Size:
        return self.sizes.get(name) or symbol(name)

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
        return [op.labelled(f"{visit.path}:") for visit in self.visits for op in visit.ops]

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


def _derived(
    node: Any, shapes: Sequence[Shape], known: Known, sides: Sequence[Size | None]
) -> Sequence[Size | None]:
    """Axes that no rule derives, by Keras's own inference at known sizes."""
    place = [tuple(x.shape) for x in node.outputs].index(known)
    if all(map(is_known, (side for shape in shapes for side in shape))):
        inferred = _inferred(node, shapes, place)
        return [new if side is None else side for new, side in zip(inferred, sides, strict=True)]
    try:
        return probe(lambda sizes: _inferred(node, sizes, place), shapes, sides)
    except Exception:  # noqa: BLE001  a layer may refuse sizes in any way; its axes stay unknown
        return sides


def _inferred(node: Any, shapes: Sequence[Shape], place: int) -> Known:
    """The shape of an output of a call, as Keras infers it from known input shapes."""
    by_id = {
        id(x): keras.KerasTensor(shape, x.dtype)
        for x, shape in zip(node.input_tensors, shapes, strict=True)
    }
    args, kwargs = node.arguments.fill_in(by_id)
    specs = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
    return tuple(specs[place].shape)
