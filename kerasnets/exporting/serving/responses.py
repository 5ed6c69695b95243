"""What the client checks in the responses of a server, and the error that it raises."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kerasnets._errors import WorkFailedError

_LONGEST_EXCERPT = 500


class ServerError(WorkFailedError):
    """The server rejected a request, did not answer in time, or sent an invalid response."""


def excerpt(text: object) -> str:
    """The start of a text from a server as one line, without control characters."""
    start = str(text)[:_LONGEST_EXCERPT]
    return " ".join("".join(c if c.isprintable() else " " for c in start).split())


def check_size(name: str, size: int, max_bytes: int) -> None:
    """Check the size of an array before it is allocated.

    Args:
        name: the name of the output.
        size: the size of its array in bytes.
        max_bytes: the largest size.

    Raises:
        ValueError: it is too large.
    """
    if size > max_bytes:
        raise ValueError(
            f"output {name!r} would be an array of {size:,} bytes; max_response_bytes is "
            f"{max_bytes:,}"
        )


def check_rows(inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> None:
    """Check that every output has one row per example.

    Raises:
        ValueError: an output has another number of rows, or there are no outputs.
    """
    if not outputs:
        raise ValueError("it has no outputs")
    rows = {array.shape[0] if array.ndim else None for array in inputs.values()}
    if len(rows) != 1:
        return  # the server decides whether such inputs are valid
    (examples,) = rows
    for name, array in outputs.items():
        if array.shape[:1] != (examples,):
            raise ValueError(
                f"output {name!r} has shape {array.shape} for {examples} examples; it must have "
                "one row per example"
            )
