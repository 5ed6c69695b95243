"""Errors of the package: failed work and unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

WORKER_LOST = 75  # exit code; sysexits.h calls it a temporary failure, to be tried again


class WorkFailedError(Exception):
    """The input was valid but the work failed: a download, a training or a verification."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let other processes raise the error here: pickle would call ``__init__`` again."""
        return _copy, (type(self), self.args, self.__dict__)


def _copy(
    cls: type[WorkFailedError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> WorkFailedError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class WorkerLostError(WorkFailedError, RuntimeError):
    """Another worker of a training on several machines ended, or does not answer."""

    def __init__(self, index: int, reason: str) -> None:
        """Name this worker and the reason.

        Args:
            index: index of this worker.
            reason: one line, such as the error of TensorFlow.
        """
        super().__init__(
            f"Worker {index} ends, because another worker ended or does not answer. See the "
            "messages of the others, then run the same command on every machine again: it resumes "
            f"after the last saved epoch. The reason: {reason[:160]}"
        )


class WriteError(WorkFailedError, OSError):
    """A file or folder could not be written, because the disk is full or fails."""

    def __init__(self, what: object, reason: str) -> None:
        """Say what was not written, and why.

        Args:
            what: the path, or a description such as ``"the standard output"``.
            reason: the reason that the system gives, such as ``"No space left on device"``.
        """
        super().__init__(f"{what} was not written: {reason}. Free some space, then try again.")


def unknown_name(kind: str, name: object, allowed: Iterable[str]) -> ValueError:
    """Make the error for an unknown name. It suggests similar names.

    Args:
        kind: what is named, such as ``"net"``.
        name: the unknown name.
        allowed: all valid names.
    """
    names = sorted(allowed)
    hint = did_you_mean(str(name), names, most=3, cutoff=0.5)
    return ValueError(f"Unknown {kind} {name!r}.{hint} Allowed: {', '.join(names)}.")


def did_you_mean(
    name: str, names: Iterable[str], *, what: str = "", most: int = 1, cutoff: float = 0.6
) -> str:
    """A sentence with a space before it that suggests similar names; empty if there are none.

    Args:
        name: what was given.
        names: what is allowed.
        what: what the names are, such as ``"the trained net "``.
        most: the largest number of suggestions.
        cutoff: how similar they must be, from 0 to 1.
    """
    close = difflib.get_close_matches(name, list(names), n=most, cutoff=cutoff)
    return f" Did you mean {what}{' or '.join(map(repr, close))}?" if close else ""
