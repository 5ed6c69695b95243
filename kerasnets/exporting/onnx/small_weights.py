"""ONNX files with smaller weights: stored as float16 or int8, used as float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes import read_reference
from kerasnets.exporting.verification.task_metrics import Labelled
from kerasnets.exporting.weights_report import check_agreement, measure_file

KINDS = ("float16", "int8")
# A weight with fewer values is smaller than the node that would restore it.
_MIN_SIZE = 128
_RECURRENT = ("GRU", "LSTM", "RNN")


def write_small_weights(
    served: Served,
    path: Path,
    kinds: Sequence[str],
    test: Labelled | None = None,
) -> dict[str, dict[str, Any]]:
    """Write ``model.float16.onnx`` or ``model.int8.onnx`` next to ``model.onnx``.

    Matrices and kernels become float16, or int8 with one scale per output channel. Biases and
    small weights do not change. A node restores each weight to float32 before it is used.

    Args:
        served: the model. Its outputs in Keras are the reference.
        path: the path of ``model.onnx``, next to ``reference.npz``.
        kinds: any of ``"float16"`` and ``"int8"``.
        test: labelled examples for the accuracy, or the mean absolute error in regression.

    Returns:
        An entry for each kind, and one for the original under ``"float32"``, as
        :func:`~kerasnets.exporting.weights_report.measure_file` returns them.

    Raises:
        ValueError: the predictions of a file differ from those of Keras too often.
    """
    cases = read_reference(path.with_name("reference.npz"))
    report = {"float32": _measure(served, path, cases, test)}
    for kind in kinds:
        small = path.with_name(f"{path.stem}.{kind}{path.suffix}")
        proto = onnx.load(path)
        shrink(proto, kind)
        onnx.checker.check_model(proto, full_check=True)
        onnx.save(proto, small)
        report[kind] = _measure(served, small, cases, test)
        check_agreement(kind, report[kind])
    return report


def shrink(proto: onnx.ModelProto, kind: str) -> None:
    """Convert the large float32 weights of an ONNX model to a smaller type.

    Args:
        proto: the model. It is changed in place.
        kind: ``"float16"`` or ``"int8"``.
    """
    graph = proto.graph
    uses = {name: node.op_type for node in graph.node for name in node.input}
    restoring = []
    for weight in list(graph.initializer):
        if weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        array = onnx.numpy_helper.to_array(weight)
        if array.size < _MIN_SIZE:
            continue
        graph.initializer.remove(weight)
        if kind == "float16":
            stored, node = _as_float16(weight.name, array)
        else:
            stored, node = _as_int8(weight.name, array, uses.get(weight.name, ""))
        graph.initializer.extend(stored)
        restoring.append(node)
    for node in reversed(restoring):
        graph.node.insert(0, node)
    onnx.helper.set_model_props(
        proto, {**{prop.key: prop.value for prop in proto.metadata_props}, "weights": kind}
    )


def _as_float16(name: str, array: np.ndarray) -> tuple[list[onnx.TensorProto], onnx.NodeProto]:
    largest = float(np.finfo("float16").max)
    half = array.clip(-largest, largest).astype("float16")
    stored = onnx.numpy_helper.from_array(half, f"{name}_float16")
    node = onnx.helper.make_node("Cast", [stored.name], [name], to=onnx.TensorProto.FLOAT)
    return [stored], node


def _as_int8(
    name: str, array: np.ndarray, use: str
) -> tuple[list[onnx.TensorProto], onnx.NodeProto]:
    # The output axis: 1 in (directions, gates, inputs), 0 in (filters, channels, …), else the last.
    axis = 1 if use in _RECURRENT else 0 if use.startswith("Conv") else array.ndim - 1
    others = tuple(other for other in range(array.ndim) if other != axis)
    largest = np.abs(array).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype("float32")
    steps = np.round(array / scale).astype("int8")
    stored = [
        onnx.numpy_helper.from_array(steps, f"{name}_int8"),
        onnx.numpy_helper.from_array(scale.reshape(-1), f"{name}_scale"),
    ]
    inputs = [tensor.name for tensor in stored]
    return stored, onnx.helper.make_node("DequantizeLinear", inputs, [name], axis=axis)


def _measure(
    served: Served, path: Path, cases: Mapping[str, tuple[Arrays, Arrays]], test: Labelled | None
) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Arrays) -> Arrays:
        return dict(zip(names, session.run(names, inputs), strict=True))

    return measure_file(served, path, run, cases, test)
