"""What tests of every room share."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Set by pytest-xdist. Printed lines are only as wide as $COLUMNS, and tests set it themselves.
os.environ.pop("COLUMNS", None)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name bytes by their length: packed files contain the time, and all workers need equal ids."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Collect garbage less often, and exclude the imported modules from it."""
    gc.set_threshold(50_000, 20, 50)  # tracing creates many objects; the default is 700, 10, 10
    exclude_from_collections()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Any:
    """Exclude what is left after a module of tests from garbage collections."""
    result = yield
    if nextitem is None or nextitem.path != item.path:
        exclude_from_collections()
    return result


def exclude_from_collections() -> None:
    """Delete garbage, and exclude all other objects from later garbage collections.

    They would visit millions of objects of TensorFlow, and Keras collects garbage in every layer
    that it quantizes.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_flushing() -> Iterator[None]:
    """Do not wait until files are on the disk: no test asks what a power failure would leave."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="module")
def no_figures():
    """Draw no figures of runs, which take most of the time of a small training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasnets.training.report.draw_figures", _draw_nothing)
        patch.setattr("kerasnets.training.report.draw_learning_curves", _draw_nothing)
        yield


def _draw_nothing(*arguments: Any) -> None:
    """Take the place of a function that draws."""


@pytest.fixture
def verify_in_this_process(
    tmp_path: Path, verification_in_this_process: Callable[[Path], AbstractContextManager[None]]
) -> Iterator[None]:
    """Verify exported files in this process; a new one takes seconds to import TensorFlow.

    For tests of something else than the process: every runtime still runs on every case.
    """
    with verification_in_this_process(tmp_path):
        yield


@pytest.fixture(scope="session")
def verification_in_this_process() -> Callable[[Path], AbstractContextManager[None]]:
    """As ``verify_in_this_process``, for fixtures of other scopes; takes a folder for arrays."""
    return _verify_here


@contextlib.contextmanager
def _verify_here(scratch: Path) -> Iterator[None]:
    from kerasnets.exporting.verification import runtimes

    def run(
        folder: Path,
        tolerance: float,
        limits: Any,
        modules: Sequence[str] = (),
        inputs: dict[str, Any] | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        arrays = {}
        if inputs is not None:
            arrays = {"inputs": scratch / "inputs.npz", "outputs": scratch / "outputs.npz"}
            np.savez(arrays["inputs"], **inputs)
        report = runtimes.check(folder, tolerance, modules=modules, **arrays)
        found = {
            "max_abs_diff": report.max_abs_diff,
            "small_weights": report.small_weights,
            "failures": report.failures,
        }
        return found, dict(np.load(arrays["outputs"])) if arrays else {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasnets.exporting.verification.verify.run_process", run)
        yield


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """The folder of the real files: ``$KERASNETS_DATA`` or ``shared/data`` beside us."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("KERASNETS_DATA") or beside)
    if not folder.is_dir():
        pytest.skip("the real files are not here")
    return folder
