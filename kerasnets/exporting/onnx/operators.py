"""TensorFlow operations that tf2onnx does not know, or turns into something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

_TYPES = onnx.TensorProto
# What ONNX Runtime computes Where for.
_WHERE = {_TYPES.FLOAT, _TYPES.DOUBLE, _TYPES.INT32, _TYPES.INT64, _TYPES.BOOL}


def _where(graph: Any, node: Any, name: str, arguments: object) -> None:
    """``tf.where`` as ``Where``.

    tf2onnx multiplies both sides with 0 or 1 and adds them, which lets NaN and infinity through
    from the side that was not chosen.
    """
    from tf2onnx.onnx_opset.controlflow import Select

    del name, arguments
    if graph.get_dtype(node.output[0]) in _WHERE:
        node.type = "Where"
    else:
        Select.version_9(graph, node)


def _with_one(build: Callable[[Callable[..., str], str, str], list[str]]) -> Any:
    """A handler for an operation of one input that is two ONNX nodes and the number 1.

    Args:
        build: from a function that makes the first node, the input and the name of 1 to operator
            and inputs of the last node.
    """

    def handle(graph: Any, node: Any, name: str, arguments: object) -> None:
        from tf2onnx.utils import make_name

        del name, arguments
        output, (x,) = node.output[0], node.input
        made = {"shapes": [graph.get_shape(output)], "dtypes": [graph.get_dtype(output)]}
        graph.remove_node(node.name)
        number = np.array(1, onnx.helper.tensor_dtype_to_np_dtype(made["dtypes"][0]))
        one = graph.make_const(make_name("one"), number).output[0]

        def first(op: str, *inputs: str) -> str:
            return str(graph.make_node(op, list(inputs), **made).output[0])

        op, *inputs = build(first, x, one)
        graph.make_node(op, inputs, outputs=[output], **made)

    return handle


# By operation, as tf2onnx takes them; the complement of erf is in Keras's gelu.
HANDLERS: dict[str, tuple[Any, list[str]]] = {
    "SelectV2": (_where, []),
    "Erfc": (_with_one(lambda first, x, one: ["Sub", one, first("Erf", x)]), []),
    "Expm1": (_with_one(lambda first, x, one: ["Sub", first("Exp", x), one]), []),
    "Log1p": (_with_one(lambda first, x, one: ["Log", first("Add", x, one)]), []),
}
