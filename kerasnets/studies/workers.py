"""Check that all machines would compute the same results, before a study starts."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kerasnets
from kerasnets._temporary import temporary
from kerasnets.data.locate import places
from kerasnets.studies.executors import Executor
from kerasnets.training.run_folder import versions

_VARIABLES = ("TF_NUM_INTRAOP_THREADS", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS")


def describe_worker() -> dict[str, str]:
    """Describe what results depend on in this process: versions, code and variables."""
    variables = {name: os.environ.get(name, "not set") for name in _VARIABLES}
    return {**versions(), **variables, "code of kerasnets": _hash_code()}


def describe_files(data_dir: str | Path | None) -> dict[str, str]:
    """Describe the files in the data folders of this machine by the hash of names and sizes."""
    total = hashlib.sha256()
    for place in places(data_dir):
        for path in sorted(place.rglob("*")):
            if path.is_file():
                total.update(f"{path.relative_to(place)}\0{path.stat().st_size}\0".encode())
    return {"data files whose names and sizes have the hash": total.hexdigest()}


def check_worker(expected: Mapping[str, str], machine: str = "A machine") -> None:
    """Refuse a machine on which the results could differ.

    Args:
        expected: the description of the process that started the study.
        machine: name of the machine of this process.

    Raises:
        ValueError: if a version, the code or a variable is another. The message names it.
    """
    found = describe_worker()
    _compare(machine, expected, found)


def check_workers(
    executor: Executor, folder: Path, check: Callable[..., dict[str, str]], *args: Any
) -> dict[str, str]:
    """Check every machine: versions, a shared folder, and what the study itself has to check.

    Args:
        executor: where the jobs will run.
        folder: the folder of the results, which all machines must share.
        check: function that raises an error if the study cannot run on its machine. It returns
            what must be equal on all machines, such as the checksum of the data, by description.
        args: its arguments.

    Returns:
        The description of this process, for :func:`check_worker`.

    Raises:
        ValueError: if a machine differs. The message names the machine and the difference.
    """
    expected = describe_worker()
    with temporary(folder, "shared", Path.touch) as mark:
        mark.write_text("kerasnets", encoding="utf-8")
        found = executor.run_everywhere(_inspect, mark.resolve(), check, args)
    for machine, (shared, own, _) in found.items():
        if not shared:
            raise ValueError(
                f"{machine} does not see the folder {folder.resolve()}. All machines must share it "
                "under the same path, for example by NFS."
            )
        _compare(machine, expected, own)
    first, *others = found
    for machine in others:
        _compare(machine, found[first][2], found[machine][2], first)
    return expected


def _inspect(
    mark: Path, check: Callable[..., dict[str, str]], args: tuple[Any, ...]
) -> tuple[bool, dict[str, str], dict[str, str]]:
    """Whether this machine shares the folder, its description, and the result of the check."""
    shared = mark.is_file() and mark.read_text(encoding="utf-8") == "kerasnets"
    return shared, describe_worker(), check(*args) if shared else {}


def _compare(
    machine: str, expected: Mapping[str, str], found: Mapping[str, str], other: str = "this machine"
) -> None:
    for what in expected:
        if found.get(what) != expected[what]:
            raise ValueError(
                f"{machine} has {what} {found.get(what)}, but {other} has {expected[what]}. "
                "Make them the same, or the results would differ."
            )


@functools.cache
def _hash_code() -> str:
    """Return the SHA-256 of the source files of this package."""
    folder = Path(kerasnets.__file__).parent
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        total.update(f"{path.relative_to(folder)}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()
