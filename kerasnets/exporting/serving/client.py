"""A client for TensorFlow Serving over REST or gRPC, which does not need TensorFlow."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets._errors import WorkFailedError
from kerasnets.exporting.serving.messages import predict_request, predict_response

_SCHEMES = ("http", "https", "grpc", "grpcs")
_METHOD = "/tensorflow.serving.PredictionService/Predict"


class ServerError(WorkFailedError):
    """The server rejected a request, did not answer in time, or could not be reached."""


def predict(
    address: str,
    model: str,
    inputs: Mapping[str, np.ndarray | Sequence[Any]],
    *,
    signature: str = "serving_default",
    version: int | None = None,
    timeout: float = 10.0,
) -> dict[str, np.ndarray]:
    """Get the outputs of a model from TensorFlow Serving.

    Args:
        address: ``http://HOST:8501`` for REST or ``grpc://HOST:8500`` for gRPC; ``https`` or
            ``grpcs`` for an encrypted connection.
        model: the name of the model on the server.
        inputs: raw inputs by name, shape ``(examples, …)``. Over gRPC, lists of floats become
            float32 and lists of integers int32.
        signature: ``"serving_default"``, or ``"classify"`` for class names.
        version: the version of the model. Default: the server chooses, usually the highest.
        timeout: seconds to wait for the response.

    Returns:
        Arrays by output name; class names are strings. Over REST, numbers are float64, and the
        output of a signature with a single output is named ``outputs``, because the server omits
        its name.

    Raises:
        ValueError: the address, the timeout or an input is not valid.
        ServerError: the server returned an error, did not answer in time, or cannot be reached.
    """
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ValueError(
            "address must be http://HOST:PORT for REST or grpc://HOST:PORT for gRPC; got "
            f"{address!r}."
        )
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout must be a positive number of seconds; got {timeout}.")
    arrays = {name: _as_array(value) for name, value in inputs.items()}
    if parts.scheme.startswith("grpc"):
        return _predict_grpc(parts, predict_request(model, arrays, signature, version), timeout)
    return _predict_rest(address, model, arrays, signature, version, timeout)


def _as_array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    if isinstance(value, np.ndarray):
        return array
    kinds = {"f": "float32", "i": "int32"}
    return array.astype(kinds.get(array.dtype.kind, array.dtype))


def rest_body(inputs: Mapping[str, np.ndarray], signature: str) -> str:
    """The body of a REST request in the columnar format, which has one array per input.

    Raises:
        ValueError: an input has NaN or infinity, which JSON cannot represent.
    """
    columns = {name: array.tolist() for name, array in inputs.items()}
    try:
        return json.dumps({"signature_name": signature, "inputs": columns}, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"inputs cannot be sent as JSON: {error}. Remove such rows.") from error


def _predict_rest(
    address: str,
    model: str,
    inputs: Mapping[str, np.ndarray],
    signature: str,
    version: int | None,
    timeout: float,
) -> dict[str, np.ndarray]:
    import requests

    path = f"v1/models/{urllib.parse.quote(model, safe='')}"
    path += "" if version is None else f"/versions/{version}"
    url = f"{address.rstrip('/')}/{path}:predict"
    try:
        response = requests.post(url, data=rest_body(inputs, signature), timeout=timeout)
    except requests.Timeout:
        raise ServerError(f"{url} did not answer within {timeout:g} s.") from None
    except requests.RequestException as error:
        raise ServerError(f"{url} cannot be reached: {error}") from error
    try:
        content = response.json()
    except ValueError:
        content = {}
    if not response.ok or "outputs" not in content:
        message = content.get("error") or response.text[:500] or response.reason
        raise ServerError(f"{url} answered {response.status_code}: {message}")
    outputs = content["outputs"]
    named = outputs if isinstance(outputs, dict) else {"outputs": outputs}
    return {name: np.asarray(values) for name, values in named.items()}


def _predict_grpc(
    parts: urllib.parse.SplitResult, request: Any, timeout: float
) -> dict[str, np.ndarray]:
    import grpc

    unlimited = [(f"grpc.max_{side}_message_length", -1) for side in ("send", "receive")]
    if parts.scheme == "grpcs":
        credentials = grpc.ssl_channel_credentials()
        channel = grpc.secure_channel(parts.netloc, credentials, options=unlimited)
    else:
        channel = grpc.insecure_channel(parts.netloc, options=unlimited)
    with channel:
        call = channel.unary_unary(_METHOD)
        try:
            response = call(request.SerializeToString(), timeout=timeout)
        except grpc.RpcError as error:
            message = f"{error.code().name}: {error.details()}"
            raise ServerError(f"{parts.geturl()} answered {message}") from error
    return predict_response(response)
