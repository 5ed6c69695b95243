"""The graph of a model: its nodes in the order of execution.

Models without a graph, such as subclassed models, are traced with symbolic tensors.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling.registry import UnsupportedError
from kerasnets.profiling.sizes import Shape


def graph_of(model: Any) -> Any | None:
    """The functional graph that a model or layer runs; ``None`` if it has its own ``call``."""
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
    """The nodes of a functional graph in the order of execution, without its inputs."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.operation is not None and not node.is_input:
                yield node


def placeholder(shape: Shape, dtype: str) -> Any:
    """A symbolic tensor of the given shape; axes whose size is an expression are ``None``."""
    sides = [side if isinstance(side, int) else None for side in shape]
    return keras.KerasTensor((None, *sides[1:]), dtype=dtype)


def trace(layer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a layer or function on symbolic tensors and return the graph of this call.

    No numbers are computed, and the nodes that the call adds to sublayers are removed again.

    Raises:
        UnsupportedError: the call does not work on symbolic tensors, because it uses TensorFlow
            functions or values of tensors.
    """
    tensors = [x for x in keras.tree.flatten((args, dict(kwargs))) if _is_symbolic(x)]
    function = layer.call if isinstance(layer, keras.layers.Layer) else layer
    with _restored_nodes(layer):
        try:
            outputs = [x for x in keras.tree.flatten(function(*args, **kwargs)) if _is_symbolic(x)]
            # keras.Function needs an operation before each output, also if the output is an input.
            outputs = [keras.layers.Identity()(x) if _contains(tensors, x) else x for x in outputs]
            return keras.Function(tensors, outputs)
        except Exception as error:  # noqa: BLE001  a user's code may raise anything
            reason = re.split(r"\. |\n", str(error).strip())[0]
            name = getattr(layer, "name", getattr(layer, "__name__", str(layer)))
            raise UnsupportedError(
                f"no rule for {type(layer).__name__}, and a symbolic call of {name} failed: "
                f"{type(error).__name__}: {reason}"
            ) from None


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _contains(tensors: Sequence[Any], value: Any) -> bool:
    return any(value is tensor for tensor in tensors)


@contextmanager
def _restored_nodes(layer: Any) -> Iterator[None]:
    """Remove the nodes that calls inside the block add to a layer and its sublayers."""
    flatten = getattr(layer, "_flatten_layers", None)
    layers = list(flatten()) if flatten else []
    counts = [(x, len(x._inbound_nodes), len(x._outbound_nodes)) for x in layers]
    try:
        yield
    finally:
        for sublayer, inbound, outbound in counts:
            del sublayer._inbound_nodes[inbound:]
            del sublayer._outbound_nodes[outbound:]


def recorded_shapes(model: Any) -> list[tuple[str, Shape]]:
    """The input shapes that a subclassed model was built with, flattened.

    Returns:
        For each input, the key that it has in a dict, otherwise ``input_1``, ``input_2``, …, and
        its shape.

    Raises:
        ValueError: the model is not built, or Keras has not recorded the shapes of all arguments.
    """
    recorded = _recorded(model)
    if not model.built or not recorded:
        raise ValueError(
            f"The model {model.name!r} is not built, so its shapes are unknown. "
            "Call model.build(input_shape), call the model on data, or start it with keras.Input."
        )
    check_recorded(model)
    found = [leaf for value in recorded.values() for leaf in _shapes_with_keys(value)]
    return [(key or f"input_{number}", shape) for number, (key, shape) in enumerate(found, start=1)]


def recorded_arguments(
    model: Any, tensors: Sequence[Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call of a subclassed model, as it was called when it was built.

    Args:
        model: the model. A model that has not recorded its arguments takes the tensors as they
            are.
        tensors: one per shape of :func:`recorded_shapes`.
    """
    recorded = _recorded(model)
    first = tensors[0] if len(tensors) == 1 else list(tensors)
    if sum(len(list(_shapes_with_keys(value))) for value in recorded.values()) != len(tensors):
        return (first,), {}
    remaining = iter(tensors)
    packed = {name: _pack(value, remaining) for name, value in recorded.items()}
    if len(packed) == 1:
        return tuple(packed.values()), {}
    return (), {name.removesuffix("_shape"): value for name, value in packed.items()}


def check_recorded(model: Any) -> None:
    """Check that Keras has recorded the shapes of all arguments of a subclassed model.

    It records only the first one, unless ``build`` of the model takes the shapes of all of them.

    Raises:
        ValueError: a shape is not known.
    """
    if graph_of(model) is not None or set(_recorded(model)) != {"input_shape"}:
        return
    needed = [
        name
        for name, parameter in inspect.signature(model.call).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if len(needed) > 1:
        names = ", ".join(needed)
        raise ValueError(
            f"{model.name!r} takes {names}, and Keras has recorded the shape of {needed[0]} only. "
            f"Wrap it: {names} = keras.Input(…), …; keras.Model([{names}], model({names}))."
        )


def _recorded(model: Any) -> Mapping[str, Any]:
    """The shapes of the arguments of the first call, by their names with ``_shape``."""
    return getattr(model, "_build_shapes_dict", None) or {}


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and not isinstance(value[0], int | None)


def _shapes_with_keys(value: Any, key: str = "") -> Iterator[tuple[str, Shape]]:
    if isinstance(value, Mapping):
        for name in sorted(value):
            yield from _shapes_with_keys(value[name], str(name))
    elif _is_nested(value):
        for part in value:
            yield from _shapes_with_keys(part, key)
    else:
        yield key, tuple(value)


def _pack(value: Any, tensors: Iterator[Any]) -> Any:
    """The structure of recorded shapes with tensors instead of the shapes."""
    if isinstance(value, Mapping):
        return {name: _pack(value[name], tensors) for name in sorted(value)}
    return [_pack(part, tensors) for part in value] if _is_nested(value) else next(tensors)
