"""What tests of every room share."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exclude the imported modules from garbage collections."""
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


@pytest.fixture(scope="module")
def no_figures():
    """Draw no figures of runs, which take most of the time of a small training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasnets.training.session.draw_figures", lambda run, data: None)
        yield


@pytest.fixture
def verify_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify exported files in this process; a new one takes seconds to import TensorFlow.

    For tests of something else than the process: every runtime still runs on every case.
    """
    from kerasnets.exporting.verification import runtimes

    def run(folder: Path, tolerance: float, result: Path, *arrays: Path) -> dict[str, Any]:
        return vars(runtimes.check(folder, tolerance, *arrays))

    monkeypatch.setattr("kerasnets.exporting.verification.verify._run_process", run)


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """The folder of the real files: ``$KERASNETS_DATA`` or ``shared/data`` beside us."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("KERASNETS_DATA") or beside)
    if not folder.is_dir():
        pytest.skip("the real files are not here")
    return folder
