"""The errors of the package: failed work, and names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkFailedError(Exception):
    """The input was right, and the work failed: a download, a training, a verification."""


def unknown_name(kind: str, given: object, allowed: Iterable[str]) -> ValueError:
    """The error for a name that is not one of ``allowed``, with near misses first.

    Args:
        kind: what the name is a name of, such as ``"net"``.
        given: what came.
        allowed: every valid name.
    """
    names = sorted(allowed)
    close = difflib.get_close_matches(str(given), names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
    return ValueError(f"Unknown {kind} {given!r}.{hint} Allowed: {', '.join(names)}.")
