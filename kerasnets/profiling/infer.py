"""The output shapes of a call in a graph, for one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling.shapes import Known, fill, probe
from kerasnets.profiling.sizes import Shape, Size, is_known, symbol


def output_shapes(node: Any, inputs: Sequence[Shape], sizes: Mapping[str, int]) -> list[Shape]:
    """The shapes a call gives, unknown axes as expressions of those that go in.

    Args:
        node: the call.
        inputs: the shapes of its input tensors; the batch axis is 1, or what an operation has
            folded into it.
        sizes: sizes given for symbols, by name.

    Raises:
        ValueError: if the sizes leave nothing of an axis.
    """
    return [_shape(node, at, inputs, sizes) for at in range(len(node.outputs))]


def _shape(node: Any, place: int, inputs: Sequence[Shape], sizes: Mapping[str, int]) -> Shape:
    layer = node.operation
    known = tuple(node.outputs[place].shape)
    if known:
        # Layers keep the batch axis, which is 1 here; operations may fold others into it.
        known = (inputs[0][0] if isinstance(layer, keras.layers.Layer) else None, *known[1:])
    sides = fill(layer, inputs, known)
    if None in sides:
        sides = _derived(node, place, inputs, sides)
    if any(isinstance(side, int) and side < 1 for side in sides):
        raise ValueError(
            f"The layer {layer.name!r} leaves nothing of an input of shape "
            f"{', '.join(str(shape[1:]) for shape in inputs)}; give larger sizes."
        )
    names = [f"{layer.name}_{axis}" for axis in range(len(sides))]
    return tuple(
        sizes.get(name) or symbol(name) if side is None else side
        for name, side in zip(names, sides, strict=True)
    )


def _derived(
    node: Any, place: int, inputs: Sequence[Shape], sides: Sequence[Size | None]
) -> Sequence[Size | None]:
    """Axes that no rule derives, by Keras's own inference at known sizes."""
    try:
        if not all(map(is_known, (side for shape in inputs for side in shape))):
            return probe(lambda sizes: _inferred(node, place, sizes), inputs, sides)
        inferred = _inferred(node, place, inputs)
    except Exception:  # noqa: BLE001  a layer may refuse sizes in any way; its axes stay unknown
        return sides
    return [new if side is None else side for new, side in zip(inferred, sides, strict=True)]


def _inferred(node: Any, place: int, inputs: Sequence[Shape]) -> Known:
    """The shape of an output of a call, as Keras infers it from known input shapes."""
    by_id = {
        id(x): keras.KerasTensor(shape, x.dtype)
        for x, shape in zip(node.input_tensors, inputs, strict=True)
    }
    args, kwargs = node.arguments.fill_in(by_id)
    specs = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
    return tuple(specs[place].shape)
