"""What tests of every room share."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
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
    if "tensorflow" in sys.modules:
        record_no_stacks()
    exclude_from_collections()


_VARIABLES = ("COLUMNS", "HOME", "KERASNETS_DATA", "PATH", "PYTHONPATH", "TF_NUM_INTRAOP_THREADS",
              "TMPDIR", "XDG_CACHE_HOME", "XLA_FLAGS")  # fmt: skip
_before: dict[Path, dict[str, Any]] = {}  # the state of the process before each module of tests


def process_state() -> dict[str, Any]:
    """What later tests and their child processes would inherit."""
    # Libraries add folders of their own when they are imported, and Ray adds one that is there.
    paths = sorted({path for path in sys.path if "site-packages" not in path})
    variables = {f"${name}": os.environ.get(name) for name in _VARIABLES}
    return {"sys.path": paths, "the working directory": os.getcwd(), **variables}  # noqa: PTH109


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Any:
    """Remember the state of the process before the fixtures of a module."""
    if item.path not in _before:
        _before[item.path] = process_state()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Any:
    """After a module of tests, check what it leaves, and exclude it from garbage collections."""
    result = yield
    if nextitem is None or nextitem.path != item.path:
        exclude_from_collections()
        before, after = _before.pop(item.path), process_state()
        changed = [f"{name} from {before[name]} to {now}" for name, now in after.items()
                   if now != before[name]]  # fmt: skip
        assert not changed, f"{item.path.name} has changed {'; '.join(changed)}"
    return result


def exclude_from_collections() -> None:
    """Delete garbage, and exclude all other objects from later garbage collections.

    They would visit millions of objects of TensorFlow, and Keras collects garbage in every layer
    that it quantizes.
    """
    gc.collect()
    gc.freeze()


def record_no_stacks() -> None:
    """Let TensorFlow not record the Python stack of each operation that is traced.

    Below pytest the stack is deep, so this takes an eighth of the time of tracing. TensorFlow only
    shows the stacks in messages of errors at run time. All operations get the stack of this call.
    """
    from tensorflow.python.util import tf_stack

    stack = tf_stack.extract_stack()
    tf_stack.extract_stack = lambda stacklevel=1: stack


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
