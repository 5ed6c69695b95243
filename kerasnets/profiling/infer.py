"""The output shapes of a call in a graph, for one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling.shapes import Known, fill_unknown, probe
from kerasnets.profiling.sizes import Shape, Size, is_known, symbol


def output_shapes(node: Any, inputs: Sequence[Shape], sizes: Mapping[str, int]) -> list[Shape]:
    """Infer the output shapes of a call; unknown axes are expressions of the input axes.

    Args:
        node: the call.
        inputs: the shapes of its input tensors; the batch axis is 1, or larger if an operation
            before has merged other axes into it.
        sizes: the sizes of symbols, by name.

    Raises:
        ValueError: an axis would have a size below 1.
    """
    return [_output_shape(node, index, inputs, sizes) for index in range(len(node.outputs))]


def _output_shape(
    node: Any, index: int, inputs: Sequence[Shape], sizes: Mapping[str, int]
) -> Shape:
    layer = node.operation
    known = tuple(node.outputs[index].shape)
    if known:
        # Layers keep the batch axis, which is 1 here; operations may merge other axes into it.
        known = (inputs[0][0] if isinstance(layer, keras.layers.Layer) else None, *known[1:])
    sides = fill_unknown(layer, inputs, known)
    if None in sides:
        sides = _fill_by_inference(node, index, inputs, sides)
    if any(isinstance(side, int) and side < 1 for side in sides):
        raise ValueError(
            f"The output of layer {layer.name!r} would be empty for an input of shape "
            f"{', '.join(str(shape[1:]) for shape in inputs)}; pass larger sizes."
        )
    names = [f"{layer.name}_{axis}" for axis in range(len(sides))]
    return tuple(
        sizes.get(name) or symbol(name) if side is None else side
        for name, side in zip(names, sides, strict=True)
    )


def _fill_by_inference(
    node: Any, index: int, inputs: Sequence[Shape], sides: Sequence[Size | None]
) -> Sequence[Size | None]:
    """Fill in axes without a rule from what Keras infers for known input sizes."""
    try:
        if not all(map(is_known, (side for shape in inputs for side in shape))):
            return probe(lambda shapes: _infer(node, index, shapes), inputs, sides)
        inferred = _infer(node, index, inputs)
    except Exception:  # noqa: BLE001  layers reject sizes in many ways; then the axes stay unknown
        return sides
    return [new if side is None else side for new, side in zip(inferred, sides, strict=True)]


def _infer(node: Any, index: int, inputs: Sequence[Shape]) -> Known:
    """The shape of one output of a call, as Keras infers it from known input shapes."""
    by_id = {
        id(x): keras.KerasTensor(shape, x.dtype)
        for x, shape in zip(node.input_tensors, inputs, strict=True)
    }
    args, kwargs = node.arguments.fill_in(by_id)
    specs = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
    return tuple(specs[index].shape)
