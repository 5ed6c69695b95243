"""TensorFlow operations that tf2onnx does not support or converts incorrectly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from kerasnets.exporting.onnx.einsum import convert_einsum

_TYPES = onnx.TensorProto
# The types for which ONNX Runtime implements Where.
_WHERE_TYPES = {_TYPES.FLOAT, _TYPES.DOUBLE, _TYPES.INT32, _TYPES.INT64, _TYPES.BOOL}


def _where(graph: Any, node: Any, name: str, arguments: object) -> None:
    """Convert ``tf.where`` to ``Where``.

    tf2onnx multiplies both branches by 0 or 1 and adds them, so NaN and infinity from the other
    branch reach the result.
    """
    from tf2onnx.onnx_opset.controlflow import Select

    del name, arguments
    if graph.get_dtype(node.output[0]) in _WHERE_TYPES:
        node.type = "Where"
    else:
        Select.version_9(graph, node)


def _compare(graph: Any, node: Any, name: str, arguments: object) -> None:
    """Convert a comparison without rounding.

    tf2onnx converts integers to float32 first, in which large ones are equal. Those of int32 are
    converted to int64 here, because tf2onnx makes counters of loops an int64 afterwards.
    """
    from tf2onnx.onnx_opset.logical import GreaterLess

    del name, arguments
    types = {graph.get_dtype(tensor) for tensor in node.input}
    if types == {_TYPES.INT32}:
        for index, tensor in enumerate(list(node.input)):
            graph.insert_new_node_on_input(node, "Cast", tensor, input_index=index, to=_TYPES.INT64)
    elif types != {_TYPES.INT64}:
        GreaterLess.version_7(graph, node)


def _two_nodes(build: Callable[[Callable[..., str], str, str], list[str]]) -> Any:
    """A handler for an operation with one input that becomes two ONNX nodes and the constant 1.

    Args:
        build: takes a function that adds the first node, the name of the input, and the name of
            the constant 1. It returns the operator and the inputs of the second node.
    """

    def handle(graph: Any, node: Any, name: str, arguments: object) -> None:
        from tf2onnx.utils import make_name

        del name, arguments
        output, (x,) = node.output[0], node.input
        spec = {"shapes": [graph.get_shape(output)], "dtypes": [graph.get_dtype(output)]}
        graph.remove_node(node.name)
        number = np.array(1, onnx.helper.tensor_dtype_to_np_dtype(spec["dtypes"][0]))
        one = graph.make_const(make_name("one"), number).output[0]

        def first(op: str, *inputs: str) -> str:
            return str(graph.make_node(op, list(inputs), **spec).output[0])

        op, *inputs = build(first, x, one)
        graph.make_node(op, inputs, outputs=[output], **spec)

    return handle


def _sign_bit(graph: Any, node: Any, name: str, arguments: object) -> None:
    """Convert the test for the sign bit with which ``keras.ops.argmax`` finds -0.0.

    It is the bitwise and of the smallest integer and the bits of a float32. Other bitwise
    operations on bits of floats do not change, and are refused.
    """
    from tf2onnx.utils import make_name

    del name, arguments
    bits, mask = node.inputs
    if bits.type != "Bitcast" or not mask.is_const():
        return
    (x,), lowest = bits.input, mask.get_tensor_value(as_list=False)
    if graph.get_dtype(x) != _TYPES.FLOAT or np.any(lowest != np.iinfo("int32").min):
        return
    output, spec = node.output[0], {"shapes": [graph.get_shape(node.output[0])]}
    graph.remove_node(node.name)
    zero, one = (
        graph.make_const(make_name("float"), np.array(value, "float32")).output[0]
        for value in (0, 1)
    )

    def make(op: str, *inputs: str, dtype: int) -> str:
        return str(graph.make_node(op, list(inputs), **spec, dtypes=[dtype]).output[0])

    # 1 / -0.0 is negative infinity.
    inverse = make("Div", one, x, dtype=_TYPES.FLOAT)
    below = [make("Less", value, zero, dtype=_TYPES.BOOL) for value in (x, inverse)]
    negative = make("Or", *below, dtype=_TYPES.BOOL)
    choices = [
        graph.make_const(make_name("bits"), np.array(value, "int32")).output[0]
        for value in (np.iinfo("int32").min, 0)
    ]
    graph.make_node("Where", [negative, *choices], outputs=[output], **spec, dtypes=[_TYPES.INT32])


def _resize(graph: Any, node: Any, name: str, arguments: object) -> None:
    """Convert resizing, with scales that give the exact size.

    The output has ⌊size · scale⌋ elements along an axis. tf2onnx rounds the scale to a float32. If
    that is less than the quotient of the sizes, as for 33 to 17, an element is missing.
    """
    from tf2onnx.onnx_opset.nn import Resize
    from tf2onnx.utils import make_name

    del name, arguments
    output, sizes = node.output[0], graph.get_shape(node.input[0])
    Resize.version_11(graph, node)
    resize = graph.get_node_by_output(graph.get_node_by_output(output).input[0])
    scales = resize.inputs[2]
    if scales is None or not scales.is_const() or len(resize.input) > 3:
        return  # the size is an input
    values = np.array(scales.get_tensor_value(as_list=False), "float32")
    for axis, size in zip((2, 3), sizes[1:3], strict=True):
        exact = size * float(values[axis])
        if np.floor(exact) < round(exact):
            values[axis] = np.nextafter(values[axis], np.float32(np.inf))
    larger = graph.make_const(make_name("scales"), values)
    graph.replace_input(resize, resize.input[2], larger.output[0], 2)
    rows, height, width, channels = graph.get_shape(output)
    graph.set_shape(resize.output[0], [rows, channels, height, width])


# Custom handlers of tf2onnx by TensorFlow operation. Keras's gelu uses Erfc.
HANDLERS: dict[str, tuple[Any, list[str]]] = {
    "BitwiseAnd": (_sign_bit, []),
    "Einsum": (convert_einsum, []),
    "Greater": (_compare, []),
    "Less": (_compare, []),
    "ResizeBicubic": (_resize, []),
    "ResizeBilinear": (_resize, []),
    "ResizeNearestNeighbor": (_resize, []),
    "SelectV2": (_where, []),
    "Erfc": (_two_nodes(lambda first, x, one: ["Sub", one, first("Erf", x)]), []),
    "Expm1": (_two_nodes(lambda first, x, one: ["Sub", first("Exp", x), one]), []),
    "Log1p": (_two_nodes(lambda first, x, one: ["Log", first("Add", x, one)]), []),
}
