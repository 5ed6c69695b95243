"""Repeat what the five course reports did, and compare each of their claims with our value."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets._files import name_full_disk
from kerasnets._lazy import keras
from kerasnets._temporary import locked, new_folder, remove_leftovers
from kerasnets.data import load_data
from kerasnets.nets import build
from kerasnets.studies.claims import check_claims, read_claims
from kerasnets.studies.digits import reproduce_digits
from kerasnets.studies.executors import Executor, check_place, open_executor, run_jobs
from kerasnets.studies.mortality import reproduce_mortality
from kerasnets.studies.principle_claims import reproduce_principles
from kerasnets.studies.results import ClaimResult, answer_claim, write_results
from kerasnets.studies.search import search
from kerasnets.studies.search_figures import search_figure
from kerasnets.studies.seizure import reproduce_seizure
from kerasnets.studies.space import Hyperparameter
from kerasnets.studies.tabular import reproduce_covid, reproduce_rain
from kerasnets.studies.workers import check_workers, describe_files
from kerasnets.studies.workspace import Workspace
from kerasnets.training.threads import set_threads


def reproduce(
    parts: Sequence[str] = (),
    *,
    out: str | Path = "runs/reproduce",
    data_dir: str | Path | None = None,
    quick: bool = False,
    progress: bool = False,
    jobs: int | None = None,
    on: str | None = None,
    max_retries: int = 3,
) -> tuple[list[ClaimResult], dict[str, float]]:
    """Repeat what the course reports did, and check each of their claims.

    Finished work in ``out`` is reused and interrupted runs are resumed. Real data are used if
    their files exist, otherwise simulated data, which need no files. The table names the data used.

    Args:
        parts: names of :data:`PARTS`. Default: all of them.
        out: folder of the runs, pages, figures and tables.
        data_dir: where to look for the real data.
        quick: train for one epoch with one seed, as a test run. These numbers are not valid
            results, and the table says so.
        progress: show the progress of each training on standard error.
        jobs: number of parts at a time, in processes of their own with one thread each. The
            results have the same bits for any number. By default one after the other in this
            process, with the threads of TensorFlow's choice, which affect the last digits.
        on: ``"ray"`` or ``"ray://HOST:PORT"``, to run the parts on a Ray cluster; see
            :func:`kerasnets.cross_validate`.
        max_retries: how often a part is continued after its process or machine died.

    Returns:
        The rows of the table, and the seconds per part. ``results.md``, ``results.csv`` and
        ``results.json`` in ``out`` have the same content.

    Raises:
        ValueError: if a part is unknown, ``out`` contains runs with other settings, or a machine
            differs.
        BlockingIOError: if another process works in ``out``.
        ConnectionError: if the cluster cannot be reached.
        ImportError: if ``on`` is passed and Ray is not installed.
    """
    check_place(on, jobs, max_retries)
    for part in parts:
        if part not in PARTS:
            raise unknown_name("part", part, PARTS)
    folder = Path(out)
    with name_full_disk(folder), new_folder(folder), locked(folder):
        remove_leftovers(folder)
        chosen = [name for name in PARTS if not parts or name in parts]
        if jobs is None and on is None:
            answers = {name: run_part(name, folder, data_dir, quick, progress) for name in chosen}
        else:
            # Other machines have other working directories.
            data_dir = None if data_dir is None else Path(data_dir).resolve()
            arguments = (folder.resolve(), data_dir, quick, progress)
            with open_executor(on, jobs, max_retries) as executor:
                check_workers(executor, folder, describe_files, data_dir)
                answers = _run_parts(executor, chosen, arguments, jobs)
        results = [row for name in chosen for row in answers[name][0]]
        seconds = {name: answers[name][1] for name in chosen}
        write_results(folder, results, seconds)
        return results, seconds


def run_part(
    name: str, out: Path, data_dir: str | Path | None, quick: bool, progress: bool
) -> tuple[list[ClaimResult], float]:
    """Run one part. Return its rows of the table, and its seconds."""
    work = Workspace(out, data_dir, quick=quick, progress=progress, recipe="as-reported")
    return PARTS[name](work), work.seconds


def run_part_alone(*arguments: Any) -> tuple[list[ClaimResult], float]:
    """Run one part in a process for parts.

    With one thread, the bits of a part do not depend on the parts before it in the same process:
    TensorFlow reads the number of threads before its first operation.
    """
    set_threads(1)
    return run_part(*arguments)


def _run_parts(
    executor: Executor, names: Sequence[str], arguments: tuple[Any, ...], limit: int | None
) -> dict[str, tuple[list[ClaimResult], float]]:
    """Run parts in other processes. If some fail, raise the first error when all have ended."""
    parts = ((name, (name, *arguments)) for name in names)
    ended = dict(run_jobs(executor, run_part_alone, functools.partial(next, parts, None), limit))
    return {name: ended[name].result() for name in names}


def _reproduce_counts(work: Workspace) -> list[ClaimResult]:
    """Count parameters and FLOPs, under the convention of each report."""
    claims = [claim for claim in check_claims(build) if claim.ours is not None]
    return [
        answer_claim(row, f"{claim.ours:,}", holds=claim.holds)
        for row, claim in zip(read_claims("counts"), claims, strict=True)
    ]


def _reproduce_by_hand(work: Workspace) -> list[ClaimResult]:
    """Pool the four images of S4: 4 × 4 pixels with 3 × 3 ones in one corner."""
    (row,) = read_claims("by-hand")
    images = np.zeros((4, 4, 4, 1), "float32")
    for image, (top, left) in zip(images, [(0, 0), (0, 1), (1, 1), (1, 0)], strict=True):
        image[top : top + 3, left : left + 3] = 1
    largest = float(np.unique(np.asarray(keras.layers.MaxPooling2D(2)(images))).item())
    return [answer_claim(row, f"{largest:g}", holds=largest == float(row["stated"]))]


def _reproduce_search(work: Workspace) -> list[ClaimResult]:
    """Search two settings of a small net: grid, random search and TPE, with 9 trainings each."""
    (row,) = read_claims("search")
    started = time.perf_counter()
    found = search(
        "digit-mlp-1",
        [
            Hyperparameter("learning_rate", 1e-4, 1e-1, log=True),
            Hyperparameter("dropout", 0.0, 0.8),
        ],
        samplers=("grid", "random", "tpe"),
        trials=4 if work.quick else 9,
        out=work.folder / "search",
        progress=work.progress,
        recipe=work.recipe,
        data="digits",
        epochs=1 if work.quick else 5,
    )
    work.seconds += time.perf_counter() - started
    work.save_figure("search/search", search_figure(found))
    by_sampler = found.table.groupby("sampler", sort=False)
    best, rates = by_sampler["score"].max(), by_sampler["learning_rate"].nunique()
    return [
        answer_claim(
            row,
            ", ".join(f"{sampler} {100 * score:.1f}" for sampler, score in best.items()),
            load_data("digits"),
            holds=bool(best["random"] > best["grid"]),
            seeds=[0],
            quick=work.quick,
            note="different learning rates: "
            + ", ".join(f"{sampler} {count}" for sampler, count in rates.items()),
        )
    ]


PARTS: MappingProxyType[str, Callable[[Workspace], list[ClaimResult]]] = MappingProxyType(
    {
        "counts": _reproduce_counts,
        "by-hand": _reproduce_by_hand,
        "seizure": reproduce_seizure,
        "mortality": reproduce_mortality,
        "digits": reproduce_digits,
        "covid": reproduce_covid,
        "rain": reproduce_rain,
        "principles": reproduce_principles,
        "search": _reproduce_search,
    }
)
