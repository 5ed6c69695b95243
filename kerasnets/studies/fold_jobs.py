"""One training of a cross-validation, as it runs in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerasnets.studies.runs import resume_or_train
from kerasnets.studies.training_job import TrainingJob


@dataclass(frozen=True, kw_only=True)
class FoldJob(TrainingJob):
    """A training of a cross-validation.

    Attributes:
        fold: number of the fold, from 1; ``None`` for a single split.
        seed: seed of the training.
    """

    fold: int | None
    seed: int


def check_job(job: FoldJob) -> dict[str, str]:
    """Build the net and load the data of a job, without training.

    Returns:
        The checksum of the data, for comparison between machines.

    Raises:
        ValueError: if a setting is wrong or the net cannot take the data.
        FileNotFoundError: if the files of the data set do not exist on this machine.
    """
    from kerasnets.training.prepare import prepare_model

    recipe, data = job.load()
    prepare_model(recipe, data, job.net)
    return {"a data set with the checksum": data.checksum}


def train_job(job: FoldJob) -> dict[str, Any]:
    """Train, or resume or return the run in the folder of the job.

    Returns:
        ``metrics``, those of the test split that are single numbers or ``None``; ``rows`` of each
        split; ``best_epoch``; and ``seconds`` of training.
    """
    run = resume_or_train(job.net, job.folder, **job.options())
    return {
        "metrics": _single_numbers(run.metrics["test"]),
        "rows": run.environment["data"]["rows"],
        "best_epoch": run.best_epoch,
        "seconds": run.seconds,
    }


def _single_numbers(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    left_out = ("prevalence", "threshold")
    return {
        name: value
        for name, value in metrics.items()
        if (value is None or isinstance(value, float)) and name not in left_out
    }
