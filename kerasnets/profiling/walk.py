"""Collect every layer call of a model, with its shapes for one sample.

The model is not run and its weights are not read: the nodes of the functional graph hold the
layers and the shapes. The layers of nested models are included. A shared layer has one entry per
call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling import rules as _rules  # noqa: F401  registers the rules
from kerasnets.profiling.counts import Op
from kerasnets.profiling.graph import graph_of, nodes_of, placeholder, recorded_arguments, trace
from kerasnets.profiling.infer import output_shapes
from kerasnets.profiling.registry import Call, Uncounted, UnsupportedError, find_rule
from kerasnets.profiling.sizes import Shape


@dataclass(frozen=True)
class Tensor:
    """A tensor between two layers.

    Attributes:
        shape: the shape for one sample; the batch axis is 1.
        dtype: the data type.
        key: a number that identifies the tensor within the walk.
        requires_grad: whether training needs its gradient, because it depends on a trainable
            weight.
    """

    shape: Shape
    dtype: str
    key: int
    requires_grad: bool = False


@dataclass(frozen=True)
class LayerCall:
    """One call of one layer.

    Attributes:
        path: the names of the enclosing models and of the layer, separated by slashes.
        layer: the layer or operation.
        inputs: the input tensors.
        outputs: the output tensors.
        ops: the steps of the computation; empty if nothing counts.
        reason: why nothing is counted; ``""`` if something is.
        supported: whether ``ops`` is complete.
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
    """Collects the layer calls of a model.

    Attributes:
        sizes: the sizes of symbols that no layer determines, by name.
        calls: the calls so far, in the order of execution.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    calls: list[LayerCall] = field(default_factory=list)
    _keys: Any = field(default_factory=count)

    def tensor(self, shape: Shape, dtype: str = "float32", requires_grad: bool = False) -> Tensor:
        """Create a tensor."""
        return Tensor(shape, dtype, next(self._keys), requires_grad)

    def model(self, model: Any, inputs: Sequence[Tensor], path: str = "") -> tuple[Tensor, ...]:
        """Collect the calls of a model and return its outputs."""
        graph = graph_of(model)
        if graph is None:
            graph = trace(model, *_call_arguments(model, inputs))
        return self.graph(graph, inputs, path)

    def graph(self, graph: Any, inputs: Sequence[Tensor], path: str) -> tuple[Tensor, ...]:
        """Collect the calls of a graph and return its outputs."""
        values = {id(x): value for x, value in zip(graph.inputs, inputs, strict=True)}
        for node in nodes_of(graph):
            # A model that starts in the middle of another one keeps the nodes before its inputs.
            if all(id(x) in values for x in node.input_tensors):
                outputs = self.node(node, values, path)
                values |= {id(x): value for x, value in zip(node.outputs, outputs, strict=True)}
        return tuple(values[id(x)] for x in graph.outputs)

    def node(self, node: Any, values: Mapping[int, Tensor], path: str) -> tuple[Tensor, ...]:
        """Collect the calls of a single node and return its outputs."""
        layer = node.operation
        inputs = tuple(values[id(x)] for x in node.input_tensors)
        path = f"{path}/{layer.name}" if path else layer.name
        if graph_of(layer) is not None:
            return self.model(layer, inputs, path)
        reason = ""
        if find_rule(type(layer)) is None:
            try:
                return self._trace_node(node, inputs, path)
            except UnsupportedError as error:
                reason = str(error)
        shapes = output_shapes(node, [x.shape for x in inputs], self.sizes)
        outputs = tuple(
            self.tensor(shape, str(x.dtype), _requires_grad(layer, inputs))
            for shape, x in zip(shapes, node.outputs, strict=True)
        )
        call = LayerCall(path, layer, inputs, outputs, reason=reason, supported=not reason)
        if not reason:
            call = self._apply_rule(call, _rule_call(node, call, values, self.inner))
        self.calls.append(call)
        return outputs

    def _trace_node(self, node: Any, inputs: tuple[Tensor, ...], path: str) -> tuple[Tensor, ...]:
        """Collect a call without a rule by tracing it with symbolic tensors.

        A subclassed model becomes one call per layer, a custom layer a single call with all of
        its steps.

        Raises:
            UnsupportedError: it cannot be traced, or one of its steps has no rule.
        """
        layer = node.operation
        if not isinstance(layer, keras.layers.Layer):
            raise UnsupportedError(f"no rule for the operation {type(layer).__name__}")
        graph = trace(layer, *_with_placeholders(node.arguments, inputs))
        if isinstance(layer, keras.Model):
            return self.graph(graph, inputs, path)
        walker = Walker(self.sizes, _keys=self._keys)
        requires_grad = _requires_grad(layer, inputs)
        outputs = tuple(
            replace(x, requires_grad=requires_grad) for x in walker.graph(graph, inputs, "")
        )
        self.calls.append(LayerCall(path, layer, inputs, outputs, tuple(walker.all_ops())))
        return outputs

    def _apply_rule(self, call: LayerCall, rule_call: Call) -> LayerCall:
        """The call with the steps of its rule, once per entry of the batch axis."""
        found = find_rule(type(call.layer))
        if isinstance(found, Uncounted):
            return replace(call, reason=found.reason, supported=found.ignored)
        batch = rule_call.inputs[0][0] if rule_call.inputs and rule_call.inputs[0] else 1
        merged = batch != 1 and isinstance(call.layer, keras.layers.Layer)
        try:
            ops = found(call.layer, rule_call.single() if merged else rule_call)  # type: ignore[misc]
            return replace(call, ops=tuple(op.times(batch) if merged else op for op in ops))
        except UnsupportedError as error:
            return replace(call, reason=str(error), supported=False)

    def inner(self, layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape] = ()) -> list[Op]:
        """The steps of a layer or function inside another layer; see :class:`Call`."""
        walker = Walker(self.sizes)
        tensors = [walker.tensor(shape) for shape in inputs]
        if graph_of(layer) is not None:
            walker.model(layer, tensors)
        elif find_rule(type(layer)) is None:
            graph = trace(layer, *_call_arguments(layer, tensors))
            states = [walker.tensor((1, *x.shape[1:])) for x in graph.inputs[len(tensors) :]]
            walker.graph(graph, [*tensors, *states], "")
        else:
            call = LayerCall(layer.name, layer, tuple(tensors), tuple(map(walker.tensor, outputs)))
            rule_call = Call(tuple(inputs), tuple(outputs), walker.inner, tuple(inputs))
            walker.calls.append(walker._apply_rule(call, rule_call))
        return walker.all_ops()

    def all_ops(self) -> list[Op]:
        """The steps of all calls.

        Raises:
            UnsupportedError: a call is not counted completely.
        """
        for call in self.calls:
            if not call.supported:
                raise UnsupportedError(f"{call.path}: {call.reason}")
        if len(self.calls) == 1:
            return list(self.calls[0].ops)
        return [
            # The labels of operations already contain their name.
            op.labelled(f"{call.path}:") if hasattr(call.layer, "weights") else op
            for call in self.calls
            for op in call.ops
        ]


def _requires_grad(layer: Any, inputs: Sequence[Tensor]) -> bool:
    return any(x.requires_grad for x in inputs) or bool(getattr(layer, "trainable_weights", ()))


def _rule_call(
    node: Any, call: LayerCall, values: Mapping[int, Tensor], inner: Callable[..., list[Op]]
) -> Call:
    """The call in the form that rules take."""
    operands = tuple(
        values[id(x)].shape if id(x) in values else tuple(x.shape)
        for x in node.arguments._flat_arguments
        if hasattr(x, "shape")
    )
    return Call(
        tuple(x.shape for x in call.inputs),
        tuple(x.shape for x in call.outputs),
        inner,
        operands,
        node.arguments.args,
        node.arguments.kwargs,
    )


def _call_arguments(layer: Any, inputs: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Symbolic arguments for a model or a recurrent cell: the inputs and the cell's states."""
    tensors = [placeholder(x.shape, x.dtype) for x in inputs]
    states = getattr(layer, "state_size", None)
    if states is None:
        return recorded_arguments(layer, tensors)
    first = tensors[0] if len(tensors) == 1 else tensors
    sizes = states if isinstance(states, list | tuple) else [states]
    shapes = [(1, size) if isinstance(size, int) else (1, *size) for size in sizes]
    return (first, [placeholder(shape, inputs[0].dtype) for shape in shapes]), {}


def _with_placeholders(
    arguments: Any, inputs: Sequence[Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, with new symbolic tensors instead of its inputs."""
    tensors = iter([placeholder(x.shape, x.dtype) for x in inputs])

    def replace_tensor(value: Any) -> Any:
        return next(tensors) if isinstance(value, keras.KerasTensor) else value

    return keras.tree.map_structure(replace_tensor, (arguments.args, arguments.kwargs))
