"""One training of a cross-validation, as it runs in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasnets.data import Dataset
from kerasnets.nets.catalogue import add_spec
from kerasnets.nets.spec import NetSpec
from kerasnets.studies.runs import resume_or_train
from kerasnets.studies.workers import check_worker
from kerasnets.training import Recipe, Run
from kerasnets.training.settings import recipe_and_data

_SECONDS_FOR_LOCK = 60  # a process whose machine is lost may live this much longer


@dataclass(frozen=True)
class FoldJob:
    """A training of a cross-validation.

    Attributes:
        fold: number of the fold, from 1; ``None`` for a single split.
        seed: seed of the training.
        folder: the run folder. An interrupted run in it is resumed.
        net: name of the net.
        settings: the requested settings of the recipe.
        data: the data set, or ``None`` to load the one that the settings name.
        data_dir: where to look for the files of the data set.
        checksum: checksum that the data must have.
        spec: the entry of the net in the catalogue, if the user has registered it.
        expected: the description of the process that started the study.
    """

    fold: int | None
    seed: int
    folder: Path
    net: str
    settings: dict[str, Any]
    data: Dataset | None = field(repr=False)
    data_dir: str | Path | None
    checksum: str
    spec: NetSpec | None
    expected: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> tuple[Recipe, Dataset]:
        """Return the complete recipe and the data set.

        Raises:
            ValueError: if a setting is wrong, or the data are not those of the other jobs.
        """
        if self.spec is not None:
            add_spec(self.spec)
        recipe, data = recipe_and_data(self.net, self.data, self.data_dir, dict(self.settings))
        if self.checksum and data.checksum != self.checksum:
            raise ValueError(
                f"The data {data.name!r} on this machine have the checksum {data.checksum}, but "
                f"the cross-validation was started with {self.checksum}. Copy the same files to "
                "all machines."
            )
        return recipe, data


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
    if job.expected:
        check_worker(job.expected)
    if job.spec is not None:
        add_spec(job.spec)
    finished = (job.folder / "metrics.json").is_file()
    data = job.data
    if data is None and not finished:
        data = job.load()[1]
    run = _train_when_unlocked(job, data)
    return {
        "metrics": _single_numbers(run.metrics["test"]),
        "rows": run.environment["data"]["rows"],
        "best_epoch": run.best_epoch,
        "seconds": run.seconds,
    }


def _train_when_unlocked(job: FoldJob, data: Dataset | None) -> Run:
    deadline = time.monotonic() + _SECONDS_FOR_LOCK
    settings = dict(job.settings)
    name = settings.pop("data", None)
    if data is not None:  # it decides these
        for setting in ("data_options", "split", "split_seed"):
            settings.pop(setting, None)
    used = name if data is None else data
    while True:
        try:
            return resume_or_train(
                job.net, job.folder, data=used, data_dir=job.data_dir, **settings
            )
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def _single_numbers(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    left_out = ("prevalence", "threshold")
    return {
        name: value
        for name, value in metrics.items()
        if (value is None or isinstance(value, float)) and name not in left_out
    }
