"""Rules for layers and operations that compute each step from the same step of their inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.exporting.streaming.flow import Flow, NotCausalError, Shape
from kerasnets.profiling.elementwise_ops import ELEMENTWISE

# By the names of classes in keras.layers. What random layers add in training is left out.
_ALWAYS = frozenset(
    [
        "Activation",
        "ActivityRegularization",
        "AlphaDropout",
        "Dropout",
        "ELU",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
        "LeakyReLU",
        "ReLU",
        "Rescaling",
        "SpatialDropout1D",
        "TimeDistributed",
    ]
)
_MERGING = frozenset(["Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"])
_OWN = frozenset(("RandomGain", "RandomSignal"))  # of kerasnets.nets, the identity in inference
# By the names of classes in keras.ops.
_OPERATIONS = (ELEMENTWISE.keys() - {"Tril", "Triu", "Select"}) | frozenset(
    [
        "Cast",
        "Celu",
        "ConvertToTensor",
        "Copy",
        "Elu",
        "Gelu",
        "HardShrink",
        "HardSigmoid",
        "HardSilu",
        "HardTanh",
        "LeakyRelu",
        "LogSigmoid",
        "OnesLike",
        "Relu",
        "Relu6",
        "Selu",
        "Sigmoid",
        "Silu",
        "SoftShrink",
        "Softplus",
        "Softsign",
        "SquarePlus",
        "Tanh",
        "TanhShrink",
        "Threshold",
        "ZerosLike",
    ]
)
_RESHAPING = frozenset(["ExpandDims", "Reshape", "Squeeze"])


def is_pointwise(name: str, operation: Any, flows: Sequence[Flow], others: Sequence[Any]) -> bool:
    """Whether an operation computes each step from the same step of its inputs.

    Args:
        name: the name of the class of Keras or kerasnets whose ``call`` it has.
        operation: a layer or an operation.
        flows: its inputs, sequences.
        others: all other arguments.

    Raises:
        NotCausalError: it is one of those operations, but not with these settings.
    """
    if isinstance(operation, keras.layers.Layer):
        check = _CHECKS.get(name)
        if check is not None:
            check(operation, flows)
        return check is not None or name in _ALWAYS or name in _OWN
    if name in _OPERATIONS:
        _same_rank(operation, flows)
        for value in others:
            _check_constant(value, len(flows[0].shape) + 1)
        return True
    return _checked_axes(name, operation, flows, others)


def keeps_time(name: str, flow: Flow, out: Shape) -> bool:
    """Whether a reshaping keeps the time axis and reshapes only what is at each step.

    Raises:
        NotCausalError: a reshaping changes the time axis.
    """
    if name not in _RESHAPING:
        return False
    if not out or out[0] != flow.shape[0] or _size(out[1:]) != _size(flow.shape[1:]):
        raise NotCausalError(
            f"makes {_text(out)} of {_text(flow.shape)}, so a step of its output has values of "
            "several steps"
        )
    return True


def is_feature_slice(key: Any, rank: int) -> bool:
    """Whether an index keeps all rows and steps, such as ``x[:, :, 0]`` and ``x[..., 0]``."""
    if not isinstance(key, tuple) or not key:
        return False
    if key[0] is Ellipsis:
        return 1 < len(key) < rank and None not in key
    return len(key) > 2 and key[:2] == (slice(None), slice(None))


def is_last_step(key: Any) -> bool:
    """Whether an index takes the last step of all rows, such as ``x[:, -1]``."""
    return isinstance(key, tuple) and len(key) > 1 and key[0] == slice(None) and key[1] == -1


def _size(shape: Shape) -> int | None:
    return None if None in shape else math.prod(size or 0 for size in shape)


def _text(shape: Shape) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"


def _check_axis(axis: Any, flows: Sequence[Flow]) -> None:
    """Check that an operation over some axes does not join the steps.

    Raises:
        NotCausalError: one of them is the time axis.
    """
    rank = len(flows[0].shape) + 1
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if any(one is None or one % rank == 1 for one in axes):
        raise NotCausalError("works along the time axis, so it needs the whole sequence")


def _check_features(layer: Any, flows: Sequence[Flow]) -> None:
    del layer
    if len(flows[0].shape) == 1:
        raise NotCausalError("combines all steps of its input")


def _check_embedding(layer: Any, flows: Sequence[Flow]) -> None:
    del flows
    if layer.mask_zero:
        raise NotCausalError(
            "masks zeros, and a stream has no padding. Build it with mask_zero=False"
        )


def _check_normalization(layer: Any, flows: Sequence[Flow]) -> None:
    rank = len(flows[0].shape) + 1
    if any(axis % rank == 1 for axis in layer.axis or ()):
        raise NotCausalError(
            f"has a mean and a variance of its own for each of {flows[0].shape[0]} steps; a stream "
            "has no end. Use the same for all steps: rescaling='shared' in kn.train, or "
            "Normalization(axis=-1) if there are several features"
        )


def _check_prelu(layer: Any, flows: Sequence[Flow]) -> None:
    del flows
    if layer.alpha.shape[0] != 1:
        raise NotCausalError("has a slope of its own for each step. Build it with shared_axes=[1]")


def _same_rank(layer: Any, flows: Sequence[Flow]) -> None:
    del layer
    if len({len(flow.shape) for flow in flows}) > 1:
        raise NotCausalError("broadcasts one sequence to the axes of another")


def _check_constant(value: Any, rank: int) -> None:
    shape = getattr(value, "shape", ())
    if len(shape) >= rank - 1 and shape[1 - rank] != 1:
        raise NotCausalError("has a constant with a value of its own for each step")


def _checked_axes(name: str, operation: Any, flows: Sequence[Flow], others: Sequence[Any]) -> bool:
    """Whether it is an operation with axes, none of which is time."""
    if name not in ("Concatenate", "LogSoftmax", "Softmax"):
        return False
    del others
    _check_axis(operation.axis, flows)
    return True


def _axis_of(layer: Any, flows: Sequence[Flow]) -> None:
    _check_axis(layer.axis, flows)


_CHECKS: dict[str, Callable[[Any, Sequence[Flow]], None]] = {
    "BatchNormalization": _axis_of,
    "Concatenate": _axis_of,
    "Dense": _check_features,
    "Embedding": _check_embedding,
    "LayerNormalization": _axis_of,
    "Normalization": _check_normalization,
    "PReLU": _check_prelu,
    "RMSNormalization": _axis_of,
    "Softmax": _axis_of,
    "UnitNormalization": _axis_of,
    **dict.fromkeys(_MERGING, _same_rank),
}
