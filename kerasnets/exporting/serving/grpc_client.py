"""The gRPC API of TensorFlow Serving."""

from __future__ import annotations

import urllib.parse
from typing import Any

import numpy as np

from kerasnets.exporting.serving.messages import predict_response
from kerasnets.exporting.serving.responses import ServerError, excerpt

_METHOD = "/tensorflow.serving.PredictionService/Predict"


def predict_grpc(
    parts: urllib.parse.SplitResult, request: Any, timeout: float, max_bytes: int
) -> dict[str, np.ndarray]:
    """Send a request, and read the arrays of the response.

    Args:
        parts: the address of the server, ``grpc://HOST:PORT`` or ``grpcs://HOST:PORT``.
        request: a ``PredictRequest``.
        timeout: seconds until the whole response must have arrived.
        max_bytes: the largest response, and the largest size of all its arrays.

    Raises:
        ServerError: there is no response in time, or it is an error.
        ValueError: the response is not valid.
    """
    import grpc

    options = [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", max_bytes),
        # Only uncompressed responses: gRPC checks the size of others after it has expanded them.
        ("grpc.compression_enabled_algorithms_bitset", 1),
    ]
    if parts.scheme == "grpcs":
        credentials = grpc.ssl_channel_credentials()
        channel = grpc.secure_channel(parts.netloc, credentials, options=options)
    else:
        channel = grpc.insecure_channel(parts.netloc, options=options)
    with channel:
        call = channel.unary_unary(_METHOD)
        try:
            response = call(request.SerializeToString(), timeout=timeout)
        except grpc.RpcError as error:
            message = f"{error.code().name}: {excerpt(error.details())}"
            raise ServerError(f"{parts.geturl()} answered {message}") from error
    return predict_response(response, max_bytes)
