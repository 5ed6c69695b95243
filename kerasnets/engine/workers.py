"""The addresses of the processes that train together, from arguments or from ``TF_CONFIG``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FORM = 'HOST:PORT, such as "10.0.0.1:2222"'


@dataclass(frozen=True)
class Workers:
    """The processes that train one model together.

    Attributes:
        addresses: ``HOST:PORT`` of each worker; the first one writes all files.
        index: which of them this process is, counted from 0.
    """

    addresses: tuple[str, ...]
    index: int

    def __post_init__(self) -> None:
        for address in self.addresses:
            _check_address(address)
        if len(set(self.addresses)) < len(self.addresses):
            raise ValueError(f"Each worker needs its own address, got {list(self.addresses)}.")
        if not 0 <= self.index < len(self.addresses):
            raise ValueError(
                f"The index of this worker is {self.index}; with {len(self.addresses)} workers it "
                f"must be from 0 to {len(self.addresses) - 1}."
            )

    def __len__(self) -> int:
        return len(self.addresses)


def find_workers(
    workers: Sequence[str] | None = None,
    index: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Workers | None:
    """Return the workers of a training, or ``None`` if this process trains alone.

    Args:
        workers: ``HOST:PORT`` of each worker; ``None`` to use ``TF_CONFIG``, an empty sequence to
            train alone.
        index: index of this worker.
        environment: may have ``TF_CONFIG``, as for ``tf.distribute``.

    Raises:
        ValueError: if an address, the index or ``TF_CONFIG`` is wrong.
    """
    if workers is None:
        if index is not None:
            raise ValueError("index needs workers, the HOST:PORT of every worker.")
        found = _from_tf_config(environment.get("TF_CONFIG", ""))
    elif isinstance(workers, str):
        raise ValueError(f"workers must be a list of {_FORM}, got the string {workers!r}.")
    elif not workers:
        return None
    elif index is None:
        raise ValueError("workers needs index, the number of this worker, counted from 0.")
    else:
        found = Workers(tuple(workers), index)
    return found if found is not None and len(found) > 1 else None


def _check_address(address: object) -> None:
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(f"The address of a worker must have the form {_FORM}, got {address!r}.")


def _from_tf_config(text: str) -> Workers | None:
    """The workers that ``TF_CONFIG`` names; the chief, if there is one, is the first worker."""
    if not text.strip():
        return None
    try:
        config = json.loads(text)
        jobs: dict[str, Any] = config.get("cluster", {})
        task: dict[str, Any] = config.get("task", {})
        sizes = {job: len(addresses) for job, addresses in jobs.items()}
        job, index = task.get("type", "worker"), int(task.get("index", 0))
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            'TF_CONFIG must be JSON such as {"cluster": {"worker": ["HOST:PORT", …]}, "task": '
            f'{{"type": "worker", "index": 0}}}}; got {text[:200]!r} ({error}).'
        ) from error
    if not sizes:
        return None
    if other := sorted((sizes.keys() | {job}) - {"chief", "worker"}):
        raise ValueError(
            f"TF_CONFIG has tasks of type {', '.join(map(repr, other))}; a training has a 'chief' "
            "and 'worker' tasks only. Every worker validates its part of the rows, so no "
            "evaluator is needed."
        )
    offset = sizes.get("chief", 0) if job == "worker" else 0
    return Workers((*jobs.get("chief", ()), *jobs.get("worker", ())), offset + index)
