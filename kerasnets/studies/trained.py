"""Claims that training a net of the catalogue answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kerasnets.data import Dataset
from kerasnets.studies.claims import claim_arguments
from kerasnets.studies.results import Result, Row, result
from kerasnets.studies.workspace import Workspace
from kerasnets.training import Run

# What the sources call validation accuracy is read off their curves: the best of all epochs.
_MEASURES: dict[str, Callable[[Run], float]] = {
    "test accuracy": lambda run: 100 * run.metrics["test"]["accuracy"],
    "validation accuracy": lambda run: 100 * max(run.history["val_accuracy"]),
    "training accuracy": lambda run: 100 * max(run.history["accuracy"]),
    "validation AUC": lambda run: run.metrics["validation"]["auroc"] or 0.0,
    "recall of both labels": lambda run: 100 * min(_recalls(run)),
}


def runs_of(work: Workspace, row: Row, data: Dataset, seeds: Sequence[int] = (0,)) -> list[Run]:
    """The runs of the net that a claim is about, one a seed; a quick workspace takes the first."""
    arguments = claim_arguments(row["arguments"])
    chosen = seeds[:1] if work.quick else seeds
    return [work.run(row["net"], data, seed, **arguments) for seed in chosen]


def trained_result(
    work: Workspace,
    row: Row,
    data: Dataset,
    seeds: Sequence[int] = (0,),
    *,
    same_data: bool,
    note: str = "",
) -> Result:
    """The answer to a claim about one net, the mean over the seeds.

    Args:
        work: where the runs are.
        row: the claim.
        data: the data set.
        seeds: of the trainings.
        same_data: whether these are the data of the source.
        note: what else to say.

    Raises:
        ValueError: if the claim is about a quantity that is not measured here.
    """
    measure = next((m for name, m in _MEASURES.items() if row["quantity"].startswith(name)), None)
    if measure is None:
        raise ValueError(f"{row['quantity']!r} is none of {', '.join(_MEASURES)}.")
    runs = runs_of(work, row, data, seeds)
    values = [measure(run) for run in runs]
    if len(values) > 1:
        spread = f"seeds from {min(values):.2f} to {max(values):.2f}"
        note = "; ".join(filter(None, (note, spread)))
    return result(
        row, float(np.mean(values)), data, same_data=same_data, note=note, quick=work.quick,
        seeds=[run.recipe.seed for run in runs],
    )  # fmt: skip


def _recalls(run: Run) -> list[float]:
    return [scores["recall"] for scores in run.metrics["validation"]["per_class"].values()]
