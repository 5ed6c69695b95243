"""ONNX files with smaller weights: stored as float16 or int8, computed with as float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from kerasnets._errors import unknown_name
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.labelled import Labelled, input_arrays, most_probable
from kerasnets.exporting.verification.samples import Arrays

KINDS = ("float16", "int8")
# Below this a weight costs less than the node that restores it.
_SMALLEST = 128
_RECURRENT = ("GRU", "LSTM", "RNN")


def check_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds of weights asked for, in a fixed order.

    Raises:
        ValueError: there is an unknown one.
    """
    names = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for name in names:
        if name not in KINDS:
            raise unknown_name("kind of weights", name, KINDS)
    return tuple(kind for kind in KINDS if kind in names)


def write_small_weights(
    served: Served,
    path: Path,
    kinds: Sequence[str],
    samples: Arrays,
    test: Labelled | None = None,
) -> dict[str, dict[str, Any]]:
    """Write ``model.float16.onnx`` or ``model.int8.onnx`` beside ``model.onnx``.

    Matrices and kernels become float16, or int8 with one scale for each output channel; biases
    and small weights stay as they are. A first node restores float32, so all else is as before.

    Args:
        served: the model; what Keras gives is what the outputs are measured against.
        path: the ``model.onnx`` to shrink.
        kinds: any of ``"float16"`` and ``"int8"``.
        samples: inputs to measure on.
        test: labelled examples to measure the accuracy of a classifier on.

    Returns:
        By kind, and under ``"float32"`` for the original: ``file``, ``bytes``, the largest
        difference of each output from Keras as ``max_abs_diff``, for a classifier the share of
        samples with the same most probable class as ``same_class``, and the ``accuracy`` on
        ``test``.
    """
    expected = served.run(samples)
    report = {"float32": _measure(served, path, samples, expected, test)}
    for kind in kinds:
        small = path.with_name(f"{path.stem}.{kind}{path.suffix}")
        proto = onnx.load(path)
        shrink(proto, kind)
        onnx.checker.check_model(proto, full_check=True)
        onnx.save(proto, small)
        report[kind] = _measure(served, small, samples, expected, test)
    return report


def shrink(proto: onnx.ModelProto, kind: str) -> None:
    """Store the large float32 weights of a model as another type.

    Args:
        proto: the model, changed in place.
        kind: ``"float16"`` or ``"int8"``.
    """
    graph = proto.graph
    uses = {name: node.op_type for node in graph.node for name in node.input}
    restoring = []
    for weight in list(graph.initializer):
        if weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        array = onnx.numpy_helper.to_array(weight)
        if array.size < _SMALLEST:
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
    # The axis of the outputs: (directions, gates, inputs), (filters, channels, …), or the last.
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
    served: Served, path: Path, samples: Arrays, expected: Arrays, test: Labelled | None
) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    got = dict(zip(names, session.run(names, samples), strict=True))
    result: dict[str, Any] = {
        "file": path.name,
        "bytes": path.stat().st_size,
        "max_abs_diff": {
            name: float(np.abs(got[name] - expected[name]).max()) for name in expected
        },
    }
    if served.classifier:
        same = got["logits"].argmax(axis=-1) == expected["logits"].argmax(axis=-1)
        result["same_class"] = float(same.mean())
    if served.classifier and test is not None:
        arrays = input_arrays([info.name for info in served.inputs], test)
        (probabilities,) = session.run(["probabilities"], arrays)
        result["accuracy"] = float((most_probable(probabilities) == test.y).mean())
    return result
