"""Exported folders that try to use files, the network or Python, or never end.

Every model has the input ``x`` and the output ``y``, of shape ``(rows, 2)``.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper

from kerasnets._lazy import keras, tf

ROWS = np.ones((3, 2), "float32")
OPSETS = [helper.make_opsetid("", 17)]


def write_card(folder: Path, formats: list[str], **entries: Any) -> None:
    """Write ``card.json`` and ``reference.npz`` for a model that returns its input."""
    tensor = {"dtype": "float32", "shape": [None, 2]}
    card = {
        "formats": formats,
        "inputs": [tensor | {"name": "x"}],
        "outputs": [tensor | {"name": "y"}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_text(json.dumps(card | entries), encoding="utf-8")
    arrays = {"batch-3/inputs/x": ROWS, "batch-3/outputs/y": ROWS}
    np.savez(folder / "reference.npz", same="{}", **arrays)


# SavedModels: functions of the input. Each calls an operation with effects outside the process.


def honest(x: Any, target: Path) -> Any:
    return tf.nn.relu(x)


def write_file(x: Any, target: Path) -> Any:
    with tf.control_dependencies([tf.io.write_file(str(target), "written")]):
        return tf.identity(x)


def read_file(x: Any, target: Path) -> Any:
    text = tf.io.read_file("/etc/hostname")
    return x + tf.cast(tf.strings.length(text), tf.float32)


def print_to_file(x: Any, target: Path) -> Any:
    with tf.control_dependencies([tf.print("text", output_stream=f"file://{target}")]):
        return tf.identity(x)


def call_python(x: Any, target: Path) -> Any:
    return tf.ensure_shape(tf.py_function(lambda value: value, [x], tf.float32), [None, 2])


def find_files(x: Any, target: Path) -> Any:
    return x + tf.cast(tf.size(tf.io.matching_files("/etc/*")), tf.float32)


def read_lines(x: Any, target: Path) -> Any:
    lines = tf.data.TextLineDataset("/etc/hostname")
    return x + tf.cast(lines.reduce(tf.constant(0, tf.int64), lambda n, _: n + 1), tf.float32)


def save_tensor(x: Any, target: Path) -> Any:
    saved = tf.raw_ops.SaveV2(
        prefix=str(target), tensor_names=["x"], shape_and_slices=[""], tensors=[x]
    )
    with tf.control_dependencies([saved]):
        return tf.identity(x)


def map_memory(x: Any, target: Path) -> Any:
    name = "/etc/hostname"
    return x + tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[2], memory_region_name=name)


def send_debug_events(x: Any, target: Path) -> Any:
    urls = ["grpc://127.0.0.1:9", f"file://{target}"]
    return tf.raw_ops.DebugIdentity(input=x, debug_urls=urls)


def write_in_a_loop(x: Any, target: Path) -> Any:
    """The operation is in the body of a loop that runs once."""
    return tf.while_loop(
        lambda i, _: i < 1,
        lambda i, value: (i + 1, write_file(value, target)),
        [0, x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 2])],
    )[1]


SAVED_MODELS: dict[str, Callable[[Any, Path], Any]] = {
    "WriteFile": write_file,
    "ReadFile": read_file,
    "PrintV2": print_to_file,
    "EagerPyFunc": call_python,
    "MatchingFiles": find_files,
    "TextLineDataset": read_lines,
    "SaveV2": save_tensor,
    "ImmutableConst": map_memory,
    "DebugIdentity": send_debug_events,
    "WriteFile in a loop": write_in_a_loop,
}


def endless_loop(x: Any, target: Path) -> Any:
    """A loop that never ends."""
    always = tf.reduce_all(x > -1e9)
    return tf.while_loop(
        lambda value: always,
        lambda value: (value + 1,),
        [x],
        shape_invariants=[tf.TensorShape([None, 2])],
    )[0]


def memory_bomb(x: Any, target: Path) -> Any:
    """8 GB of numbers that depend on the input, so that they cannot be computed in advance."""
    rows = 1_000_000_000 * tf.cast(tf.shape(x)[0] > 0, tf.int64)
    return x + tf.reduce_sum(tf.random.uniform([rows, 2]))


def write_saved_model(folder: Path, target: Path, **functions: Callable[[Any, Path], Any]) -> None:
    """Write a SavedModel with one signature per function."""
    spec = tf.TensorSpec([None, 2], tf.float32, name="x")
    module = tf.Module()
    signatures = {
        name: tf.function(
            lambda x, function=function: {"y": function(x, target)}, input_signature=[spec]
        )
        for name, function in functions.items()
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


# ONNX files


def onnx_model(nodes: list[Any], initializers: list[Any] = (), **options: Any) -> Any:
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 2]) for n in "xy"]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], initializer=initializers)
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=8, **options)


def onnx_identity() -> Any:
    """An honest model."""
    return onnx_model([helper.make_node("Identity", ["x"], ["y"])])


def onnx_endless_loop() -> Any:
    """A loop of 2⁶³ - 1 steps."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Neg", ["value"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, ["batch", 2]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, ["batch", 2]),
        ],
    )
    steps = helper.make_tensor("steps", TensorProto.INT64, [], [2**63 - 1])
    return onnx_model([helper.make_node("Loop", ["steps", "", "x"], ["y"], body=body)], [steps])


def onnx_memory_bomb() -> Any:
    """5 GB of numbers that depend on the input."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [200_000_000, 1, 2])
    nodes = [
        helper.make_node("Expand", ["x", "shape"], ["large"]),
        helper.make_node("ReduceMax", ["large"], ["y"], axes=[0], keepdims=0),
    ]
    return onnx_model(nodes, [shape])


def onnx_external_data() -> Any:
    """A weight that is the content of another file."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2], [0, 0])
    weight.ClearField("float_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = {"location": "../../../../../../etc/passwd", "offset": "0", "length": "8"}
    for key, value in entry.items():
        weight.external_data.add(key=key, value=value)
    return onnx_model([helper.make_node("Add", ["x", "w"], ["y"])], [weight])


def onnx_custom_operator() -> Any:
    """An operator that loads another file."""
    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft")
    return onnx_model([node])


def onnx_hidden_operator() -> Any:
    """The operator is in a function of the model, in a branch."""
    inner = helper.make_node("EPContext", ["a"], ["b"], domain="com.microsoft")
    branch = helper.make_graph(
        [inner], "branch", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
    )
    condition = helper.make_node("Constant", [], ["c"], value=helper.make_tensor("", 9, [], [True]))
    either = helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)
    function = helper.make_function("local", "F", ["a"], ["b"], [condition, either], OPSETS)
    return onnx_model([helper.make_node("F", ["x"], ["y"], domain="local")], functions=[function])


ONNX = {
    "EPContext": onnx_custom_operator,
    "EPContext in a function": onnx_hidden_operator,
    "external data": onnx_external_data,
}


# .keras files


def write_keras(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a model of one dense layer whose configuration was changed."""
    x = keras.Input((2,), name="x")
    layer = keras.layers.Dense(2, activation="relu", kernel_initializer="identity", name="y")
    model = keras.Model(x, layer(x))
    honest = path.with_name("honest.keras")
    model.save(honest)
    with zipfile.ZipFile(honest) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config["config"]["layers"][1])
                content = json.dumps(config).encode()
            new.writestr(name, content)
    honest.unlink()


def named(module: str | None, name: str, config: Any = None) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": name,
        "config": config if config is not None else {},
        "registered_name": name,
    }


def _activation(value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda layer: layer["config"].update(activation=value)


KERAS: dict[str, Callable[[dict[str, Any]], None]] = {
    "Lambda": lambda layer: layer.update(named("keras.layers", "Lambda")),
    "TFSMLayer": lambda layer: layer.update(named("keras.layers", "TFSMLayer")),
    "__lambda__": _activation({"class_name": "__lambda__", "config": {"value": "YQ=="}}),
    "os.system": _activation(named("os", "function", "system")),
    "keras.utils.get_file": _activation(named("keras.utils", "function", "get_file")),
    "kerasnetsx.Layer": lambda layer: layer.update(named("kerasnetsx", "Layer")),
    "vocabulary": lambda layer: layer.update(
        named("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"})
    ),
}


def with_linked_weights(path: Path) -> None:
    """Change a ``.keras`` file: its weights are a link to another file."""
    rewritten = path.with_suffix(".new")
    weights = path.with_suffix(".h5")
    with h5py.File(weights, "w") as file:
        file["layers"] = h5py.ExternalLink("/etc/passwd", "layers")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(rewritten, "w") as new:
        new.writestr("config.json", old.read("config.json"))
        new.write(weights, "model.weights.h5")
        new.writestr("../../escaped", b"text")
    weights.unlink()
    shutil.move(rewritten, path)


def save_onnx(model: Any, folder: Path) -> None:
    onnx.save(model, folder / "model.onnx")
