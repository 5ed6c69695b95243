"""Claims that are checked by training a net of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kerasnets.data import Dataset
from kerasnets.studies.claims import claim_arguments
from kerasnets.studies.results import ClaimResult, Row, answer_claim
from kerasnets.studies.workspace import Workspace
from kerasnets.training import Run

# The "validation accuracy" of the reports is the maximum of their learning curves.
_MEASURES: dict[str, Callable[[Run], float]] = {
    "test accuracy": lambda run: 100 * run.metrics["test"]["accuracy"],
    "validation accuracy": lambda run: 100 * max(run.history["val_accuracy"]),
    "training accuracy": lambda run: 100 * max(run.history["accuracy"]),
    "validation AUC": lambda run: run.metrics["validation"]["auroc"] or 0.0,
    "recall of both labels": lambda run: 100 * min(_recalls(run)),
}


def train_with_seeds(
    work: Workspace, row: Row, data: Dataset, seeds: Sequence[int] = (0,)
) -> list[Run]:
    """Train the net of a claim once per seed. A quick workspace uses only the first seed."""
    arguments = claim_arguments(row["arguments"])
    used = seeds[:1] if work.quick else seeds
    return [work.run(row["net"], data, seed, **arguments) for seed in used]


def answer_by_training(
    work: Workspace,
    row: Row,
    data: Dataset,
    seeds: Sequence[int] = (0,),
    *,
    same_data: bool,
    note: str = "",
) -> ClaimResult:
    """Check a claim about one net, using the mean over the seeds.

    Args:
        work: folder and settings of the reproduction.
        row: the claim, a row of ``claims.csv``.
        data: the data set to train on.
        seeds: seeds of the trainings.
        same_data: whether ``data`` is the data set that the report used.
        note: text to add to the note of the claim.

    Raises:
        ValueError: if the claim is about a quantity that training does not measure.
    """
    measure = next((m for name, m in _MEASURES.items() if row["quantity"].startswith(name)), None)
    if measure is None:
        raise ValueError(
            f"The quantity {row['quantity']!r} is unknown. Allowed: {', '.join(_MEASURES)}."
        )
    runs = train_with_seeds(work, row, data, seeds)
    values = [measure(run) for run in runs]
    if len(values) > 1:
        spread = f"seeds from {min(values):.2f} to {max(values):.2f}"
        note = "; ".join(filter(None, (note, spread)))
    return answer_claim(
        row,
        float(np.mean(values)),
        data,
        same_data=same_data,
        note=note,
        quick=work.quick,
        seeds=[run.recipe.seed for run in runs],
    )


def _recalls(run: Run) -> list[float]:
    return [scores["recall"] for scores in run.metrics["validation"]["per_class"].values()]
