"""Load each exported file in the runtime that serves it."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Arrays
from .card import Card
from .compare import Signature, signature_of
from .keras_check import keras_failures
from .litert_check import litert_failures, load_litert
from .micro_check import HEADER, load_micro, runs_in_micro
from .onnx_check import onnx_failures
from .saved_model_check import saved_model_failures
from .small_weights import SMALL_WEIGHTS, small_runtimes

# Failures of one file that are reported. A hostile file may have millions.
_MOST_REASONS = 20
FILES = {
    "onnx": "model.onnx",
    "openvino": "model.onnx",
    "saved_model": "saved_model.pb",
    "litert": "model.tflite",
    "tflite_micro": HEADER,
    "keras": "model.keras",
    **SMALL_WEIGHTS,
}


@dataclass(frozen=True)
class Runtime:
    """A loaded file: its inputs, its outputs, and a function that runs it."""

    inputs: Signature
    outputs: Signature
    run: Callable[[Arrays], Arrays]
    classify: Callable[[Arrays], Arrays] | None = None


def runtimes_of(card: Card, modules: Sequence[str] = ()) -> list[str]:
    """The runtimes for the formats in the card. Keras is last: the others run without it.

    Args:
        card: the content of ``card.json``.
        modules: the modules with classes of the user. Without them, ``model.keras`` is not loaded
            if it needs such classes.
    """
    names = ["onnx"] if "onnx" in card["formats"] else []
    if names and importlib.util.find_spec("openvino"):
        names.append("openvino")
    names += ["saved_model"] if "saved_model" in card["formats"] else []
    names += ["litert"] if "litert" in card["formats"] else []
    names += ["tflite_micro"] if runs_in_micro(card) else []
    names += small_runtimes(card)
    written = card.get("keras") or {}
    ours = written.get("modules") is not None
    return names + (["keras"] if ours or (written.get("needs") and modules) else [])


def reasons_not_to_load(
    name: str, folder: Path, card: Card, modules: Sequence[str] = ()
) -> list[str]:
    """Why a file must not be loaded: it may use files, the network or Python code.

    The file is only parsed; nothing in it runs.

    Args:
        name: the name of the runtime.
        folder: the version folder.
        card: the content of ``card.json``.
        modules: the modules with classes of the user that may be used.
    """
    if name == "keras":
        return list(itertools.islice(keras_failures(folder / FILES[name], modules), _MOST_REASONS))
    if name == "tflite_micro":
        return []  # it has no operators that are not built in
    return reasons_not_to_load_graph(name, _graph_path(name, folder), card)


def reasons_not_to_load_graph(name: str, path: Path, card: Card) -> list[str]:
    """Why a graph must not be loaded.

    Args:
        name: the name of the runtime; any but Keras and TensorFlow Lite Micro.
        path: an ONNX or LiteRT file, or the folder of a SavedModel.
        card: the content of ``card.json``.
    """
    if name == "saved_model":
        _import_tensorflow()
        found = saved_model_failures(path)
    elif name.startswith("litert"):
        found = litert_failures(path)
    else:
        found = onnx_failures(path, bool((card.get("onnx") or {}).get("allow_loops")))
    return list(itertools.islice(found, _MOST_REASONS))


def load(name: str, folder: Path, card: Card, modules: Sequence[str] = ()) -> Runtime:
    """Load the file of a version folder in a runtime.

    Args:
        name: the name of the runtime.
        folder: the version folder.
        card: the content of ``card.json``.
        modules: the modules with classes of the user, which are imported for ``model.keras``.
    """
    if name == "keras":
        return load_keras(folder, card, modules)
    if name == "tflite_micro":
        return Runtime(*load_micro(folder / HEADER, card))
    return load_graph(name, _graph_path(name, folder))


def load_graph(name: str, path: Path) -> Runtime:
    """Load a graph.

    Args:
        name: the name of the runtime; any but Keras and TensorFlow Lite Micro.
        path: an ONNX or LiteRT file, or the folder of a SavedModel.
    """
    if name == "saved_model":
        return load_saved_model(path)
    if name.startswith("litert"):
        return Runtime(*load_litert(path))
    return load_openvino(path) if name == "openvino" else load_onnx(path)


def _graph_path(name: str, folder: Path) -> Path:
    return folder if name == "saved_model" else folder / FILES[name]


def _import_tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return importlib.import_module("tensorflow")


def load_onnx(path: Path) -> Runtime:
    """Load an ONNX file in ONNX Runtime, after the full check of the ``onnx`` package."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(inputs: Arrays) -> Arrays:
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    def read(values: list[Any]) -> Signature:
        return {
            v.name: (
                _NUMPY_NAMES.get(v.type, v.type),
                tuple(axis if isinstance(axis, int) else None for axis in v.shape),
            )
            for v in values
        }

    return Runtime(read(session.get_inputs()), read(session.get_outputs()), run)


def load_openvino(path: Path) -> Runtime:
    """Load an ONNX file in OpenVINO on the CPU, with float32."""
    import openvino

    # The default on some processors is bfloat16, which has only three digits.
    options = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}
    core = openvino.Core()
    graph = core.read_model(str(path))
    # Optimization may give a port the name of another tensor with the same values, too.
    input_names = [port.any_name for port in graph.inputs]
    output_names = [port.any_name for port in graph.outputs]
    model = core.compile_model(graph, "CPU", options)

    def run(inputs: Arrays) -> Arrays:
        outputs = model([inputs[name] for name in input_names])
        return {
            name: np.array(outputs[port])
            for name, port in zip(output_names, model.outputs, strict=True)
        }

    def read(names: list[str], ports: Any) -> Signature:
        return {
            name: (
                np.dtype(port.element_type.to_dtype()).name,
                tuple(
                    None if axis.is_dynamic else axis.get_length() for axis in port.partial_shape
                ),
            )
            for name, port in zip(names, ports, strict=True)
        }

    inputs, outputs = read(input_names, model.inputs), read(output_names, model.outputs)
    return Runtime(inputs, outputs, run)


def load_saved_model(folder: Path) -> Runtime:
    """Load the ``serving_default`` signature of the SavedModel."""
    tf = _import_tensorflow()
    loaded = tf.saved_model.load(str(folder))
    if "serving_default" not in loaded.signatures:
        raise ValueError(f"there is no serving_default among {sorted(loaded.signatures)}")
    function = loaded.signatures["serving_default"]

    def run(inputs: Arrays, signature: str = "serving_default") -> Arrays:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        outputs = loaded.signatures[signature](**tensors)
        return {name: _plain(value.numpy()) for name, value in outputs.items()}

    def read(specs: Mapping[str, Any]) -> Signature:
        return {
            name: (spec.dtype.name, tuple(spec.shape) if spec.shape.rank is not None else ())
            for name, spec in specs.items()
        }

    inputs = read(function.structured_input_signature[1])
    has_classes = "classify" in loaded.signatures
    classify = functools.partial(run, signature="classify") if has_classes else None
    return Runtime(inputs, read(function.structured_outputs), run, classify)


def load_keras(folder: Path, card: Card, modules: Sequence[str] = ()) -> Runtime:
    """Load ``model.keras`` in Keras, with the layers of kerasnets and ``modules`` if it has any."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    for name in ("keras", "kerasnets"):
        if name in sys.modules and sys.modules[name] is None:
            del sys.modules[name]
    for name in modules:
        importlib.import_module(name)
    import keras
    import tensorflow as tf

    # kerasnets.nets also finds layers that have moved to other modules since the export.
    ours = bool(card["keras"].get("modules"))
    loader = importlib.import_module("kerasnets.nets") if ours else keras.saving
    model = loader.load_model(folder / "model.keras", compile=False)
    # The ``input`` of a Sequential model is undefined until it is part of another model.
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    names = [tensor["name"] for tensor in card["outputs"]]

    def run(arrays: Arrays) -> Arrays:
        tensors = [tf.constant(arrays[tensor["name"]]) for tensor in card["inputs"]]
        returned = model(keras.tree.pack_sequence_as(inputs, tensors), training=False)
        outputs = keras.tree.flatten(returned)
        if len(outputs) == 1 and names == ["probabilities", "logits"]:
            (logits,) = outputs
            # Cards of older exports do not state the task.
            sigmoid = card.get("task") == "multilabel" or logits.shape[-1] == 1
            outputs = [tf.sigmoid(logits) if sigmoid else tf.nn.softmax(logits), logits]
        return {name: _plain(np.asarray(x)) for name, x in zip(names, outputs, strict=True)}

    # The Keras model has the names of its layers; the card has those of the signature.
    return Runtime(signature_of(card["inputs"]), signature_of(card["outputs"]), run)


def _plain(array: np.ndarray) -> np.ndarray:
    """The array; text as NumPy's own type, as in ``reference.npz``."""
    if array.dtype.kind != "O":
        return array
    return np.array([text.decode() for text in array.ravel()], str).reshape(array.shape)


_NUMPY_NAMES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    **{
        f"tensor({sign}int{bits})": f"{sign}int{bits}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}
