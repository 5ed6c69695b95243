"""An executor without processes, for tests of what the jobs do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class InThisProcess:
    """Runs each job when it is submitted."""

    place = "this process"

    def __enter__(self) -> InThisProcess:
        """Return the executor."""
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing."""

    def capacity(self) -> int:
        """One job at a time."""
        return 1

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call the function."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001  result() raises it
            future.set_exception(error)
        return future

    def run_everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Call the function once."""
        return {self.place: function(*args)}

    def close(self) -> None:
        """Do nothing."""
