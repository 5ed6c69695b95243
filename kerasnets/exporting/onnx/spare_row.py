"""Let a convolutional net run without rows.

ONNX Runtime stores images in blocks of channels, and adds reshapes of its own for the products of
such images, as in EfficientNet. They fail without rows. Such a net gets a row of zeros if there are
none, and its outputs lose it again.

ONNX Runtime 1.32 ran the net that was tried. A file written with it has no such row, and older
versions return an error for it without rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

_PREFIX = "spare_row/"
# ONNX Runtime may end the process when it runs one of these without rows.
_NOT_TRIED = {"Einsum", "GRU", "LSTM", "Loop", "RNN", "Scan"}
_FREE_AXIS = 256


def needs_spare_row(proto: onnx.ModelProto) -> bool:
    """Whether a model has convolutions, and ONNX Runtime returns an error for it without rows."""
    import onnxruntime

    operators = {node.op_type for node in proto.graph.node}
    if "Conv" not in operators or operators & _NOT_TRIED:
        return False
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    inputs = {}
    for value in proto.graph.input:
        tensor = value.type.tensor_type
        sizes = [axis.dim_value or _FREE_AXIS for axis in tensor.shape.dim[1:]]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        inputs[value.name] = np.zeros((0, *sizes), dtype)
    try:
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        session.run(None, inputs)
    except Exception:  # noqa: BLE001  # ONNX Runtime raises many types
        return True
    return False


def add_spare_row(proto: onnx.ModelProto) -> None:
    """Add a row to the inputs if there are none, and remove it from the outputs.

    Args:
        proto: the model. It is changed in place. All inputs and outputs have one row per example.
    """
    graph = proto.graph
    start: list[onnx.NodeProto] = []
    end: list[onnx.NodeProto] = []

    def constant(name: str, value: Any) -> str:
        tensor = onnx.numpy_helper.from_array(np.asarray(value), f"{_PREFIX}{name}")
        graph.initializer.append(tensor)
        return str(tensor.name)

    def add(nodes: list[onnx.NodeProto], op: str, output: str, *inputs: str) -> str:
        name = f"{_PREFIX}{output}"
        nodes.append(onnx.helper.make_node(op, inputs, [name], name))
        return name

    zero = constant("zero", np.zeros(1, "int64"))
    one = constant("one", np.ones(1, "int64"))
    shape = add(start, "Shape", "shape", graph.input[0].name)
    rows = add(start, "Slice", "rows", shape, zero, one)
    missing = add(start, "Equal", "missing", rows, zero)
    renamed = {}
    for value in graph.input:
        tensor = value.type.tensor_type
        none = np.zeros(2 * len(tensor.shape.dim), "int64")
        padded = none.copy()
        padded[len(padded) // 2] = 1  # at the end of the first axis
        name = value.name
        pads = add(
            start, "Where", f"{name}/pads", missing,
            constant(f"{name}/padded", padded), constant(f"{name}/none", none),
        )  # fmt: skip
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        fill = constant(f"{name}/fill", np.zeros((), dtype))
        renamed[name] = add(start, "Pad", f"{name}/input", name, pads, fill)
    results = {value.name: f"{_PREFIX}{value.name}/all_rows" for value in graph.output}
    for node in graph.node:
        node.input[:] = [renamed.get(name) or results.get(name, name) for name in node.input]
        node.output[:] = [results.get(name, name) for name in node.output]
    for output, computed in results.items():
        inputs = [computed, zero, rows]
        end.append(onnx.helper.make_node("Slice", inputs, [output], f"{_PREFIX}{output}/rows"))
    nodes = [*start, *graph.node, *end]
    del graph.node[:]
    graph.node.extend(nodes)
