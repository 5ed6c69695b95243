"""Everything that the five documents did, and the table of what they state and what we get."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.data import load_data
from kerasnets.nets import build
from kerasnets.studies.claims import check_claims, read_claims
from kerasnets.studies.digits import reproduce_digits
from kerasnets.studies.mortality import reproduce_mortality
from kerasnets.studies.principles import reproduce_principles
from kerasnets.studies.results import Result, result, write_results
from kerasnets.studies.search import search
from kerasnets.studies.search_figures import search_figure
from kerasnets.studies.seizure import reproduce_seizure
from kerasnets.studies.space import Axis
from kerasnets.studies.tabular import reproduce_covid, reproduce_rain
from kerasnets.studies.workspace import Workspace


def reproduce(
    parts: Sequence[str] = (),
    *,
    out: str | Path = "runs/reproduce",
    data_dir: str | Path | None = None,
    quick: bool = False,
    progress: bool = False,
) -> tuple[list[Result], dict[str, float]]:
    """Do what the documents did, and answer each of their claims.

    What is finished in ``out`` is kept, and what was interrupted there goes on. Real data are
    taken where they are found, else the stand-ins that need no files; the rows say which.

    Args:
        parts: names of :data:`PARTS`; all by default.
        out: the folder of the runs, pages, figures and tables.
        data_dir: where to look for the real data.
        quick: train for one epoch with one seed, to see that everything works. No figure of it
            is an answer, and the table says so.
        progress: show the epochs of each training on standard error.

    Returns:
        The rows of the table, and the seconds of each part. ``results.md``, ``.csv`` and
        ``.json`` in ``out`` hold the same.

    Raises:
        ValueError: if there is no such part, or ``out`` has runs of other settings.
    """
    for part in parts:
        if part not in PARTS:
            raise unknown_name("part", part, PARTS)
    chosen = [name for name in PARTS if not parts or name in parts]
    results, seconds = [], {}
    for name in chosen:
        work = Workspace(out, data_dir, quick=quick, progress=progress)
        results += PARTS[name](work)
        seconds[name] = work.seconds
    write_results(Path(out), results, seconds)
    return results, seconds


def _reproduce_counts(work: Workspace) -> list[Result]:
    """Count parameters and FLOPs, each under the convention of its source."""
    claims = [claim for claim in check_claims(build) if claim.ours is not None]
    return [
        result(row, f"{claim.ours:,}", holds=claim.holds)
        for row, claim in zip(read_claims("counts"), claims, strict=True)
    ]


def _reproduce_by_hand(work: Workspace) -> list[Result]:
    """Pool the pictures of S4, each a square of 3 × 3 ones in one of the corners of 4 × 4."""
    (row,) = read_claims("by-hand")
    corners = np.zeros((4, 4, 4, 1), "float32")
    for picture, (down, right) in zip(corners, [(0, 0), (0, 1), (1, 1), (1, 0)], strict=True):
        picture[down : down + 3, right : right + 3] = 1
    largest = float(np.unique(np.asarray(keras.layers.MaxPooling2D(2)(corners))).item())
    return [result(row, f"{largest:g}", holds=largest == float(row["stated"]))]


def _reproduce_search(work: Workspace) -> list[Result]:
    """Search two settings of a small net with a grid, at random and with TPE, 9 trainings each."""
    (row,) = read_claims("search")
    started = time.perf_counter()
    found = search(
        "digit-mlp-1",
        [Axis("learning_rate", 1e-4, 1e-1, log=True), Axis("dropout", 0.0, 0.8)],
        samplers=("grid", "random", "tpe"),
        trials=4 if work.quick else 9,
        out=work.folder / "search",
        progress=work.progress,
        data="digits",
        epochs=1 if work.quick else 5,
    )
    work.seconds += time.perf_counter() - started
    work.draw("search/search", search_figure(found))
    best = found.table.groupby("sampler", sort=False)["score"].max()
    tried = found.table.groupby("sampler", sort=False)["learning_rate"].nunique()
    ours = ", ".join(f"{name} {100 * score:.1f}" for name, score in best.items())
    note = "different learning rates: " + ", ".join(f"{name} {n}" for name, n in tried.items())
    data = load_data("digits")
    holds = bool(best["random"] > best["grid"])
    return [result(row, ours, data, holds=holds, seeds=[0], quick=work.quick, note=note)]


PARTS: MappingProxyType[str, Callable[[Workspace], list[Result]]] = MappingProxyType(
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
