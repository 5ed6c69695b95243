"""The KServe V2 protocol over REST, which Triton, MLServer, KServe and OpenVINO's server speak."""

from __future__ import annotations

import json
import math
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasnets.exporting.serving.responses import check_size
from kerasnets.exporting.serving.rest import send

# The NumPy type of each type of the protocol; text is a Python string.
_DTYPES = {
    "BOOL": "bool",
    "BYTES": "str",
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def infer_url(address: str, model: str, version: int | None) -> str:
    """The URL for the inference of a model.

    Args:
        address: the address of the server, ``http://HOST:PORT`` or ``https://HOST:PORT``.
        model: the name of the model.
        version: its version. Default: the server chooses.
    """
    path = f"v2/models/{urllib.parse.quote(model, safe='')}"
    path += "" if version is None else f"/versions/{version}"
    return f"{address.rstrip('/')}/{path}/infer"


def infer_body(inputs: Mapping[str, np.ndarray]) -> str:
    """The body of a request.

    Raises:
        ValueError: an input has a type that the protocol does not have, or NaN or infinity, which
            JSON cannot represent.
    """
    tensors = [
        {
            "name": name,
            "shape": list(array.shape),
            "datatype": _type_name(name, array),
            "data": array.ravel().tolist(),
        }
        for name, array in inputs.items()
    ]
    try:
        return json.dumps({"inputs": tensors}, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"inputs cannot be sent as JSON: {error}. Remove such rows.") from error


def infer(url: str, body: str, timeout: float, max_bytes: int) -> dict[str, np.ndarray]:
    """Send a request, and read the arrays of the response.

    Args:
        url: the URL for the inference of a model.
        body: the body of the request.
        timeout: seconds until the whole response must have arrived.
        max_bytes: the largest response, and the largest size of an array.

    Raises:
        ServerError: there is no response in time, or it is an error.
        ValueError: the arrays of the response are not valid.
    """
    outputs = send(url, body, timeout, max_bytes)
    if not isinstance(outputs, list) or not all(isinstance(tensor, dict) for tensor in outputs):
        raise ValueError("its outputs are not a list of tensors")
    return {str(tensor.get("name")): _array(tensor, max_bytes) for tensor in outputs}


def _type_name(name: str, array: np.ndarray) -> str:
    kind = "str" if array.dtype.kind == "U" else array.dtype.name
    if kind not in _NAMES:
        known = ", ".join(sorted(_NAMES))
        raise ValueError(f"inputs[{name!r}] has type {array.dtype}; convert it to one of {known}.")
    return _NAMES[kind]


def _array(tensor: Mapping[str, Any], max_bytes: int) -> np.ndarray:
    name, shape, data = tensor.get("name"), tensor.get("shape"), tensor.get("data")
    dtype = _DTYPES.get(str(tensor.get("datatype")))
    if dtype is None:
        raise ValueError(f"output {name!r} has the unsupported type {tensor.get('datatype')!r}")
    if not isinstance(shape, list) or any(type(axis) is not int or axis < 0 for axis in shape):
        raise ValueError(f"output {name!r} does not have values of its shape {shape!r:.100}")
    if not isinstance(data, list) or math.prod(shape) != np.size(data):
        raise ValueError(f"output {name!r} does not have values of its shape {shape!r:.100}")
    check_size(str(name), math.prod(shape) * 8, max_bytes)
    try:
        # Numbers only, and no text that NumPy would convert to numbers.
        array = np.array(data)
        if array.size and (array.dtype.kind in "OU") != (dtype == "str"):
            raise TypeError(f"{array.dtype} instead of {dtype}")
        return array.astype(dtype).reshape(shape)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"output {name!r} has values of another type ({error})") from None
