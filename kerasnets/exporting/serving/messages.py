"""TensorFlow Serving's messages, as far as a prediction goes, and arrays in and out of them.

The fields are those of the official ``predict.proto``, ``model.proto``, ``prediction_log.proto``
and ``tensor.proto``, so that neither TensorFlow nor ``tensorflow-serving-api`` is needed to talk
to a server.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# Type in TensorFlow, by numpy's name, and the field that holds values of it one by one.
_TYPES = {
    "float32": (1, "float_val"),
    "float64": (2, "double_val"),
    "int32": (3, "int_val"),
    "uint8": (4, "int_val"),
    "int16": (5, "int_val"),
    "int8": (6, "int_val"),
    "object": (7, "string_val"),
    "int64": (9, "int64_val"),
    "bool": (10, "bool_val"),
    "float16": (19, "half_val"),
}
_DTYPES = {number: (np.dtype(name), values) for name, (number, values) in _TYPES.items()}

# Message, then name, number and kind of each field; "[]" marks what may come many times.
_MESSAGES = {
    "Dim": [("size", 1, "int64")],
    "Shape": [("dim", 2, "Dim[]")],
    "Tensor": [
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "Shape"),
        ("tensor_content", 4, "bytes"),
        ("half_val", 13, "int32[]"),
        ("float_val", 5, "float[]"),
        ("double_val", 6, "double[]"),
        ("int_val", 7, "int32[]"),
        ("string_val", 8, "bytes[]"),
        ("int64_val", 10, "int64[]"),
        ("bool_val", 11, "bool[]"),
    ],
    # A map on the wire is a list of keys with values.
    "Entry": [("key", 1, "string"), ("value", 2, "Tensor")],
    "Version": [("value", 1, "int64")],
    "ModelSpec": [
        ("name", 1, "string"),
        ("version", 2, "Version"),
        ("signature_name", 3, "string"),
    ],
    "PredictRequest": [("model_spec", 1, "ModelSpec"), ("inputs", 2, "Entry[]")],
    "PredictResponse": [("outputs", 1, "Entry[]"), ("model_spec", 2, "ModelSpec")],
    "PredictLog": [("request", 1, "PredictRequest")],
    "PredictionLog": [("predict_log", 6, "PredictLog")],
}


@cache
def _classes() -> dict[str, Any]:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="kerasnets_serving.proto", package="kerasnets_serving", syntax="proto3"
    )
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            many, kind = kind.endswith("[]"), kind.removesuffix("[]")
            label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
            added = described.field.add(name=name, number=number, label=label)
            if kind in _MESSAGES:
                added.type, added.type_name = field.TYPE_MESSAGE, f".{file.package}.{kind}"
            else:
                added.type = getattr(field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {
        name: message_factory.GetMessageClass(find(f"{file.package}.{name}")) for name in _MESSAGES
    }


def predict_request(
    model: str, inputs: dict[str, np.ndarray], signature: str, version: int | None = None
) -> Any:
    """A ``PredictRequest``.

    Args:
        model: what the server calls the model.
        inputs: arrays by input name.
        signature: which of its signatures is meant.
        version: which of its versions; the server's choice by default.
    """
    request = _classes()["PredictRequest"]()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    for name, array in inputs.items():
        entry = request.inputs.add(key=name)
        entry.value.dtype = _number(name, array)
        for size in array.shape:
            entry.value.tensor_shape.dim.add(size=size)
        entry.value.tensor_content = np.ascontiguousarray(array).tobytes()
    return request


def _number(name: str, array: np.ndarray) -> int:
    number, _ = _TYPES.get(array.dtype.name, (None, ""))
    if number is None or array.dtype.kind == "O":
        known = ", ".join(sorted(set(_TYPES) - {"object"}))
        raise ValueError(f"inputs[{name!r}] has type {array.dtype}; give one of {known}.")
    return number


def predict_response(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a serialised ``PredictResponse`` by output name; strings are ``str``."""
    response = _classes()["PredictResponse"].FromString(content)
    return {entry.key: _array(entry.value) for entry in response.outputs}


def _array(tensor: Any) -> np.ndarray:
    if tensor.dtype not in _DTYPES:
        raise ValueError(f"The server answered with a tensor of the unknown type {tensor.dtype}.")
    dtype, values = _DTYPES[tensor.dtype]
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if dtype.kind == "O":
        texts = [value.decode("utf-8", "replace") for value in tensor.string_val]
        return np.array(texts, str).reshape(shape)
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, dtype).reshape(shape)
    listed = np.array(getattr(tensor, values))
    if dtype == np.float16:
        listed = listed.astype("uint16").view(dtype)
    size = int(np.prod(shape))
    # The last value stands for all that follow it.
    padded = np.pad(listed, (0, size - len(listed)), mode="edge") if len(listed) else np.zeros(size)
    return padded.astype(dtype).reshape(shape)


def prediction_log(request: Any) -> bytes:
    """A request as the ``PredictionLog`` record that TensorFlow Serving warms a model up with."""
    log = _classes()["PredictionLog"]()
    log.predict_log.request.CopyFrom(request)
    return bytes(log.SerializeToString())
