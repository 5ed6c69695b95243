"""Asks a server that serves exported nets, over REST or gRPC, without TensorFlow."""

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
    """A server refused a request, gave no answer in time, or was not there; the words are its."""


def predict(
    address: str,
    model: str,
    inputs: Mapping[str, np.ndarray | Sequence[Any]],
    *,
    signature: str = "serving_default",
    version: int | None = None,
    timeout: float = 10.0,
) -> dict[str, np.ndarray]:
    """Ask TensorFlow Serving for the outputs of a model.

    Args:
        address: ``http://HOST:8501`` for REST or ``grpc://HOST:8500`` for gRPC; ``https`` and
            ``grpcs`` with transport security.
        model: what the server calls the model.
        inputs: raw inputs by name, first axis the examples. Over gRPC lists of numbers become
            float32, lists of whole numbers int32.
        signature: ``"serving_default"``, or ``"classify"`` for names of classes.
        version: the version to ask; the server's choice by default, which is the highest.
        timeout: seconds until the request is given up.

    Returns:
        Arrays by output name; names of classes as strings. Over REST, numbers are float64, and
        a signature with one output only gives it as ``outputs``, since the server leaves its
        name out.

    Raises:
        ValueError: the address, the time-out or an input is not of the allowed form.
        ServerError: the server's own error, a time-out, or no connection.
    """
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ValueError(
            f"address must be http://HOST:PORT for REST or grpc://HOST:PORT for gRPC; got "
            f"{address!r}."
        )
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout must be a positive number of seconds; got {timeout}.")
    arrays = {name: _as_array(value) for name, value in inputs.items()}
    if parts.scheme.startswith("grpc"):
        return _ask_grpc(parts, predict_request(model, arrays, signature, version), timeout)
    return _ask_rest(address, model, arrays, signature, version, timeout)


def _as_array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    if isinstance(value, np.ndarray):
        return array
    kinds = {"f": "float32", "i": "int32"}
    return array.astype(kinds.get(array.dtype.kind, array.dtype))


def rest_body(inputs: Mapping[str, np.ndarray], signature: str) -> str:
    """The body of a REST request, in the columnar form: whole arrays by name.

    Raises:
        ValueError: an input holds NaN or infinity, which JSON cannot say.
    """
    columns = {name: array.tolist() for name, array in inputs.items()}
    try:
        return json.dumps({"signature_name": signature, "inputs": columns}, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"inputs cannot be sent as JSON: {error}. Leave such rows out.") from error


def _ask_rest(
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
        answer = requests.post(url, data=rest_body(inputs, signature), timeout=timeout)
    except requests.Timeout:
        raise ServerError(f"{url} gave no answer within {timeout:g} s.") from None
    except requests.RequestException as error:
        raise ServerError(f"{url} cannot be reached: {error}") from error
    try:
        content = answer.json()
    except ValueError:
        content = {}
    if not answer.ok or "outputs" not in content:
        said = content.get("error") or answer.text[:500] or answer.reason
        raise ServerError(f"{url} answered {answer.status_code}: {said}")
    outputs = content["outputs"]
    named = outputs if isinstance(outputs, dict) else {"outputs": outputs}
    return {name: np.asarray(values) for name, values in named.items()}


def _ask_grpc(
    parts: urllib.parse.SplitResult, request: Any, timeout: float
) -> dict[str, np.ndarray]:
    import grpc

    unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
    if parts.scheme == "grpcs":
        credentials = grpc.ssl_channel_credentials()
        channel = grpc.secure_channel(parts.netloc, credentials, options=unlimited)
    else:
        channel = grpc.insecure_channel(parts.netloc, options=unlimited)
    with channel:
        ask = channel.unary_unary(_METHOD)
        try:
            answer = ask(request.SerializeToString(), timeout=timeout)
        except grpc.RpcError as error:
            said = f"{error.code().name}: {error.details()}"
            raise ServerError(f"{parts.geturl()} answered {said}") from error
    return predict_response(answer)
