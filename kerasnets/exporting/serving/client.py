"""A client for model servers, which needs no TensorFlow.

It speaks with TensorFlow Serving over REST or gRPC, and with servers of the KServe V2 protocol.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.exporting.serving.grpc_client import predict_grpc
from kerasnets.exporting.serving.kserve import infer, infer_body, infer_url
from kerasnets.exporting.serving.messages import predict_request
from kerasnets.exporting.serving.responses import ServerError as ServerError
from kerasnets.exporting.serving.responses import check_rows, excerpt
from kerasnets.exporting.serving.rest import predict_rest, predict_url, rest_body, without_password

_PROTOCOLS = ("tensorflow", "kserve")
_DEFAULT = "serving_default"
_SCHEMES = ("http", "https", "grpc", "grpcs")
# The largest response by default.
MAX_RESPONSE_BYTES = 64 * 2**20


def predict(
    address: str,
    model: str,
    inputs: Mapping[str, np.ndarray | Sequence[Any]],
    *,
    signature: str = _DEFAULT,
    version: int | None = None,
    protocol: str = "tensorflow",
    timeout: float = 10.0,
    max_response_bytes: int = MAX_RESPONSE_BYTES,
) -> dict[str, np.ndarray]:
    """Get the outputs of a model from TensorFlow Serving, Triton, MLServer or KServe.

    Args:
        address: ``http://HOST:8501`` for REST or ``grpc://HOST:8500`` for gRPC; ``https`` or
            ``grpcs`` for an encrypted connection. The KServe protocol needs ``http`` or ``https``.
        model: the name of the model on the server.
        inputs: raw inputs by name, shape ``(examples, …)``. Over gRPC, lists of floats become
            float32 and lists of integers int32.
        signature: ``"serving_default"``, or ``"classify"`` for class names.
        version: the version of the model. Default: the server chooses, usually the highest.
        protocol: ``"tensorflow"`` for TensorFlow Serving, ``"kserve"`` for the KServe V2 protocol,
            which Triton and MLServer speak. Outputs then have the types of the model.
        timeout: seconds until the whole response must have arrived.
        max_response_bytes: the largest response, and the largest size of all its arrays together.
            Default: 64 MiB.

    Returns:
        Arrays by output name, each with one row per example; class names are strings. Over REST,
        numbers are float64 (int64 if none has a decimal point), and the output of a signature
        with a single output is named ``outputs``, because the server omits its name.

    Raises:
        ValueError: the address, the timeout, the limit or an input is not valid.
        ServerError: the server returned an error, did not answer in time, cannot be reached, or
            its response is too large or not a valid response.
    """
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ValueError(
            "address must be http://HOST:PORT for REST or grpc://HOST:PORT for gRPC; got "
            f"{address!r}."
        )
    if protocol not in _PROTOCOLS:
        raise unknown_name("protocol", protocol, _PROTOCOLS)
    if protocol == "kserve" and (parts.scheme.startswith("grpc") or signature != _DEFAULT):
        raise ValueError(
            "protocol='kserve' needs an http:// or https:// address and has no signatures; got "
            f"{address!r} and signature={signature!r}."
        )
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout must be a positive number of seconds; got {timeout}.")
    if max_response_bytes < 1:
        raise ValueError(f"max_response_bytes must be at least 1; got {max_response_bytes}.")
    arrays = {name: _as_array(value) for name, value in inputs.items()}
    limits = (timeout, max_response_bytes)
    if protocol == "kserve":
        where, body = infer_url(address, model, version), infer_body(arrays)
        send = partial(infer, where, body, *limits)
    elif parts.scheme.startswith("grpc"):
        where, request = address, predict_request(model, arrays, signature, version)
        send = partial(predict_grpc, parts, request, *limits)
    else:
        where, body = predict_url(address, model, version), rest_body(arrays, signature)
        send = partial(predict_rest, where, body, *limits)
    try:
        outputs = send()
        check_rows(arrays, outputs)
    except ValueError as error:
        raise ServerError(
            f"{without_password(where)} sent an invalid response: {excerpt(error)}."
        ) from error
    return outputs


def _as_array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    if isinstance(value, np.ndarray):
        return array
    kinds = {"f": "float32", "i": "int32"}
    return array.astype(kinds.get(array.dtype.kind, array.dtype))
