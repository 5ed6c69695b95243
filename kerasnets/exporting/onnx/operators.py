"""TensorFlow operations that tf2onnx does not support or converts incorrectly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

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


# Custom handlers of tf2onnx by TensorFlow operation. Keras's gelu uses Erfc.
HANDLERS: dict[str, tuple[Any, list[str]]] = {
    "SelectV2": (_where, []),
    "Erfc": (_two_nodes(lambda first, x, one: ["Sub", one, first("Erf", x)]), []),
    "Expm1": (_two_nodes(lambda first, x, one: ["Sub", first("Exp", x), one]), []),
    "Log1p": (_two_nodes(lambda first, x, one: ["Log", first("Add", x, one)]), []),
}
