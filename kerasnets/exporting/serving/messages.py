"""The protocol buffer messages of TensorFlow Serving that predictions need.

The fields are those of the official ``predict.proto``, ``model.proto``, ``prediction_log.proto``
and ``tensor.proto``. A client therefore needs neither TensorFlow nor ``tensorflow-serving-api``.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from kerasnets.exporting.serving.responses import check_size

# NumPy arrays have at most 64 axes.
_MOST_AXES = 64

# For each NumPy type, its number in TensorFlow and the repeated field for single values.
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

# The name, number and type of each field of each message; "[]" marks repeated fields.
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
    # Protocol buffers encode a map as a list of entries.
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
    """Build a ``PredictRequest``.

    Args:
        model: the name of the model on the server.
        inputs: arrays by input name.
        signature: the name of the signature.
        version: the version of the model. Default: the server chooses.

    Raises:
        ValueError: the type of an array is not supported.
    """
    request = _classes()["PredictRequest"]()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    for name, array in inputs.items():
        entry = request.inputs.add(key=name)
        entry.value.dtype = _type_number(name, array)
        for size in array.shape:
            entry.value.tensor_shape.dim.add(size=size)
        if array.dtype.kind == "U":
            entry.value.string_val.extend(text.encode() for text in array.ravel().tolist())
        else:
            entry.value.tensor_content = np.ascontiguousarray(array).tobytes()
    return request


def _type_number(name: str, array: np.ndarray) -> int:
    if array.dtype.kind == "U":
        return _TYPES["object"][0]
    number, _ = _TYPES.get(array.dtype.name, (None, ""))
    if number is None or array.dtype.kind == "O":
        known = ", ".join(sorted({*_TYPES, "str"} - {"object"}))
        raise ValueError(f"inputs[{name!r}] has type {array.dtype}; convert it to one of {known}.")
    return number


def predict_response(content: bytes, max_bytes: int) -> dict[str, np.ndarray]:
    """Read the arrays of a serialized ``PredictResponse`` by output name; text becomes ``str``.

    Args:
        content: the serialized message.
        max_bytes: the largest size of all arrays together. A message of a few bytes can describe
            a large array, because repetitions of the last value are omitted.

    Raises:
        ValueError: it is not such a message, the type of a tensor is not supported, its values do
            not fit its shape, or the arrays are too large.
    """
    try:
        response = _classes()["PredictResponse"].FromString(content)
    except DecodeError as error:
        raise ValueError(f"it is not a PredictResponse ({error})") from None
    arrays: dict[str, np.ndarray] = {}
    for entry in response.outputs:
        used = sum(array.nbytes for array in arrays.values())
        arrays[entry.key] = _array(entry.key, entry.value, max_bytes - used)
    return arrays


def _array(name: str, tensor: Any, max_bytes: int) -> np.ndarray:
    """The array of a tensor of at most ``max_bytes``."""
    if tensor.dtype not in _DTYPES:
        raise ValueError(f"output {name!r} has the unsupported type {tensor.dtype}")
    dtype, values = _DTYPES[tensor.dtype]
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    size = math.prod(shape)
    if dtype.kind == "O":
        array = _text(name, tensor.string_val, max_bytes)
    elif tensor.tensor_content:
        if len(tensor.tensor_content) % dtype.itemsize:
            raise ValueError(f"output {name!r} has {len(tensor.tensor_content)} bytes of {dtype}")
        array = np.frombuffer(tensor.tensor_content, dtype)
    else:
        check_size(name, size * dtype.itemsize, max_bytes)
        array = _repeated(np.array(getattr(tensor, values)), dtype, size)
    if min(shape, default=0) < 0 or len(shape) > _MOST_AXES or len(array) != size:
        raise ValueError(f"output {name!r} has {len(array)} values for the shape {shape[:10]}")
    return array.reshape(shape)


def _text(name: str, values: Any, max_bytes: int) -> np.ndarray:
    texts = [value.decode("utf-8", "replace") for value in values]
    check_size(name, 4 * len(texts) * max(map(len, texts), default=0), max_bytes)
    return np.array(texts, str)


def _repeated(values: np.ndarray, dtype: np.dtype[Any], size: int) -> np.ndarray:
    """The values of a repeated field. The server omits repetitions of the last one."""
    if dtype == np.float16:
        values = values.astype("uint16").view(dtype)
    values = values.astype(dtype)
    if not 0 < len(values) < size:
        return values if len(values) else np.zeros(max(size, 0), dtype)
    return np.pad(values, (0, size - len(values)), mode="edge")


def prediction_log(request: Any) -> bytes:
    """Serialize a request as a ``PredictionLog``, the format of warm-up requests."""
    log = _classes()["PredictionLog"]()
    log.predict_log.request.CopyFrom(request)
    return bytes(log.SerializeToString())
