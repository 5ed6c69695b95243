"""The graph of a model: its nodes in running order, traced symbolically where it has none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling.registry import UnsupportedError
from kerasnets.profiling.sizes import Shape


def graph_of(model: Any) -> Any | None:
    """The functional graph a model or layer runs, or ``None`` if it computes in its own way."""
    for cls in type(model).__mro__:
        if cls is keras.Sequential:
            return model._functional
        if cls is keras.Model or cls is keras.Function:
            return None
        if hasattr(model, "_nodes_by_depth") and cls.__name__ == "Functional":
            return model
        if "call" in vars(cls):
            return None
    return None


def nodes_of(graph: Any) -> Iterator[Any]:
    """The nodes of a functional graph in the order they run, inputs left out."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.operation is not None and not node.is_input:
                yield node


def placeholder(shape: Shape, dtype: str) -> Any:
    """A symbolic tensor of a shape; axes that are expressions stay unknown."""
    sides = [side if isinstance(side, int) else None for side in shape]
    return keras.KerasTensor((None, *sides[1:]), dtype=dtype)


def trace(layer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The graph of a layer's own ``call``, made by calling it on symbolic tensors.

    Nothing is computed and the layer's sublayers forget the call.

    Raises:
        UnsupportedError: if the call needs more than symbolic tensors, such as TensorFlow
            functions or values.
    """
    tensors = [x for x in keras.tree.flatten((args, dict(kwargs))) if _symbolic(x)]
    function = layer.call if isinstance(layer, keras.layers.Layer) else layer
    with _calls_forgotten(layer):
        try:
            outputs = [x for x in keras.tree.flatten(function(*args, **kwargs)) if _symbolic(x)]
            # An input that comes out as it is has no call behind it.
            passed = [keras.layers.Identity()(x) if _among(x, tensors) else x for x in outputs]
            return keras.Function(tensors, passed)
        except Exception as error:  # noqa: BLE001  a user's code may raise anything
            reason = re.split(r"\. |\n", str(error).strip())[0]
            name = getattr(layer, "name", getattr(layer, "__name__", str(layer)))
            raise UnsupportedError(
                f"no rule for {type(layer).__name__}, and {name} cannot be read from a symbolic "
                f"call: {type(error).__name__}: {reason}"
            ) from None


def _symbolic(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _among(value: Any, tensors: Sequence[Any]) -> bool:
    return any(value is tensor for tensor in tensors)


@contextmanager
def _calls_forgotten(layer: Any) -> Iterator[None]:
    """Cut the nodes that calls inside the block append to a layer's sublayers."""
    flatten = getattr(layer, "_flatten_layers", None)
    layers = list(flatten()) if flatten else []
    kept = [(x, len(x._inbound_nodes), len(x._outbound_nodes)) for x in layers]
    try:
        yield
    finally:
        for sublayer, inbound, outbound in kept:
            del sublayer._inbound_nodes[inbound:]
            del sublayer._outbound_nodes[outbound:]


def recorded_shapes(model: Any) -> list[Shape]:
    """The input shapes a subclassed model was built with, flattened.

    Raises:
        ValueError: if it was not built.
    """
    recorded = getattr(model, "_build_shapes_dict", None)
    if not model.built or not recorded:
        raise ValueError(
            f"The model {model.name!r} is not built, so its shapes are not known; "
            "call model.build(input_shape), call it on data, or start it with keras.Input."
        )
    return [shape for value in recorded.values() for shape in _flat_shapes(value)]


def _flat_shapes(value: Any) -> Iterator[Shape]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _flat_shapes(value[key])
    elif isinstance(value, list | tuple) and value and not isinstance(value[0], int | None):
        for part in value:
            yield from _flat_shapes(part)
    else:
        yield tuple(value)
