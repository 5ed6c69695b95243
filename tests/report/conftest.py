"""Runs and a browser that the tests of this folder share; none of them changes the runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import kerasnets as kn
from kerasnets.report import write
from kerasnets.report.vendor import VENDOR, WASM
from kerasnets.training.run import Run
from tests.report.helpers import CHROMIUM, OUTPUTS, dataset, launched, train


@pytest.fixture(scope="session", autouse=True)
def page_files() -> None:
    """Skip if the JavaScript packages were not fetched."""
    if not (VENDOR / WASM).is_file():
        pytest.skip("the JavaScript packages are not here; make page fetches them with npm")


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of each task."""
    folder = tmp_path_factory.mktemp("runs of Quirin")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("report.draw_figures", "report.draw_learning_curves"):
            patch.setattr(f"kerasnets.training.{name}", lambda *arguments: None)
        return {task: train(task, folder / task) for task in OUTPUTS}


@pytest.fixture(scope="session")
def report_of(
    runs: dict[str, Run],
    tmp_path_factory: pytest.TempPathFactory,
    verification_in_this_process: Callable[[Path], AbstractContextManager[None]],
) -> Callable[[str], write.Report]:
    """The report of the run of a task, written at its first use."""

    @functools.cache
    def report(task: str) -> write.Report:
        folder = tmp_path_factory.mktemp(task)
        with verification_in_this_process(folder):
            return kn.write_report(runs[task], folder, data=dataset(task))

    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, started once."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with launched() as program:
        yield program
