"""The REST API of TensorFlow Serving, in its columnar format: one array per input and output."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasnets.exporting.serving.http_post import HttpResponse, ResponseTooLargeError, post
from kerasnets.exporting.serving.responses import ServerError, check_size, excerpt

# The types of JSON values that may occur together in an array, and the type of the array.
_TYPES: tuple[tuple[set[type], type], ...] = (
    ({int}, np.int64),
    ({int, float}, np.float64),
    ({bool}, np.bool_),
    ({str}, np.str_),
)


def rest_body(inputs: Mapping[str, np.ndarray], signature: str) -> str:
    """The body of a REST request.

    Raises:
        ValueError: an input has NaN or infinity, which JSON cannot represent.
    """
    columns = {name: array.tolist() for name, array in inputs.items()}
    try:
        return json.dumps({"signature_name": signature, "inputs": columns}, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"inputs cannot be sent as JSON: {error}. Remove such rows.") from error


def predict_url(address: str, model: str, version: int | None) -> str:
    """The URL for the predictions of a model.

    Args:
        address: the address of the server, ``http://HOST:PORT`` or ``https://HOST:PORT``.
        model: the name of the model.
        version: its version. Default: the server chooses.
    """
    path = f"v1/models/{urllib.parse.quote(model, safe='')}"
    path += "" if version is None else f"/versions/{version}"
    return f"{address.rstrip('/')}/{path}:predict"


def predict_rest(url: str, body: str, timeout: float, max_bytes: int) -> dict[str, np.ndarray]:
    """Send a request, and read the arrays of the response.

    Args:
        url: the URL for the predictions of a model.
        body: the body of the request.
        timeout: seconds until the whole response must have arrived.
        max_bytes: the largest response, and the largest size of an array.

    Raises:
        ServerError: there is no response in time, or it is an error.
        ValueError: the arrays of the response are not valid.
    """
    outputs = send(url, body, timeout, max_bytes)
    named = outputs if isinstance(outputs, dict) else {"outputs": outputs}
    return {name: as_array(name, values, max_bytes) for name, values in named.items()}


def send(url: str, body: str, timeout: float, max_bytes: int) -> Any:
    """Send a request; return the ``outputs`` in the JSON of the response.

    Args:
        url: the URL.
        body: the body of the request.
        timeout: seconds until the whole response must have arrived.
        max_bytes: the largest response.

    Raises:
        ServerError: there is no response in time, or it is an error.
        ValueError: the response is too large, or not JSON with outputs.
    """
    import requests

    where = without_password(url)
    try:
        response = post(url, body.encode(), timeout, max_bytes)
    except (TimeoutError, requests.Timeout):
        raise ServerError(f"{where} did not answer within {timeout:g} s.") from None
    except ResponseTooLargeError:
        raise ValueError(f"it is larger than max_response_bytes, {max_bytes:,}") from None
    except (requests.RequestException, OSError) as error:
        raise ServerError(f"{where} cannot be reached: {excerpt(error)}") from error
    return _outputs(where, response)


def without_password(url: str) -> str:
    """A URL for messages, without the name and password of a user."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _outputs(where: str, response: HttpResponse) -> Any:
    """The outputs in the JSON of a response."""
    text = response.body.decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    known = content if isinstance(content, dict) else {}
    if not response.ok:
        message = excerpt(known.get("error") or text or response.reason)
        raise ServerError(f"{where} answered {response.status}: {message}")
    if "outputs" not in known:
        raise ValueError(f"it is not JSON with outputs: {excerpt(text)!r}")
    return known["outputs"]


def as_array(name: str, values: Any, max_bytes: int) -> np.ndarray:
    """Convert nested lists to an array.

    Args:
        name: the name of the output.
        values: nested lists of numbers, truth values or text.
        max_bytes: the largest size of the array.

    Raises:
        ValueError: the lists are uneven, or the array would be too large.
    """
    objects = np.array(values, dtype=object)
    flat = objects.ravel().tolist()
    found = set(map(type, flat))
    dtype = next((dtype for types, dtype in _TYPES if found <= types), None)
    if dtype is None:
        kinds = ", ".join(sorted(kind.__name__ for kind in found))
        raise ValueError(f"output {name!r} is not an even array of one type, but has {kinds}")
    if dtype is np.str_:
        check_size(name, 4 * len(flat) * max(map(len, flat)), max_bytes)
    try:
        return objects.astype(dtype if flat else np.float64)
    except OverflowError:
        raise ValueError(f"output {name!r} has a number of more than 64 bits") from None
