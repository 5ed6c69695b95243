"""A training that any process can run, here or on another machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasnets.data import Dataset
from kerasnets.nets.catalogue import add_spec
from kerasnets.nets.spec import NetSpec
from kerasnets.studies.workers import check_worker
from kerasnets.training import Recipe
from kerasnets.training.settings import recipe_and_data

_LOCK_SECONDS = 60.0  # a process whose machine is lost may live this much longer
_OF_DATA = ("data_options", "split", "split_seed")  # a data set decides these settings


@dataclass(frozen=True)
class TrainingJob:
    """A training, with everything that a process on another machine must know.

    Attributes:
        folder: the run folder. An interrupted run in it is resumed.
        net: name of the net.
        settings: the requested settings of the recipe, and ``recipe``.
        data: the data set, or ``None`` to load the one that the settings name.
        data_dir: where to look for the files of the data set.
        checksum: checksum that the data must have; empty if they are not checked.
        spec: the entry of the net in the catalogue, if the user has registered it.
        expected: the description of the process that started the study; empty if this process is
            not compared with it.
    """

    folder: Path
    net: str
    settings: dict[str, Any]
    data: Dataset | None = field(repr=False, default=None)
    data_dir: str | Path | None = None
    checksum: str = ""
    spec: NetSpec | None = None
    expected: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> tuple[Recipe, Dataset]:
        """Return the complete recipe and the data set.

        Raises:
            ValueError: if a setting is wrong, or the data are not those of the other jobs.
            FileNotFoundError: if the files of the data set do not exist on this machine.
        """
        if self.spec is not None:
            add_spec(self.spec)
        settings = dict(self.settings)
        named = settings.pop("recipe", "default")
        recipe, data = recipe_and_data(self.net, self.data, self.data_dir, settings, named)
        if self.checksum and data.checksum != self.checksum:
            raise ValueError(
                f"The data {data.name!r} on this machine have the checksum {data.checksum}, but "
                f"the study was started with {self.checksum}. Copy the same files to all machines."
            )
        return recipe, data

    def options(self) -> dict[str, Any]:
        """Check this process; return the arguments of ``resume_or_train`` after the folder.

        Raises:
            ValueError: if this process, its data or a setting would change the results.
            FileNotFoundError: if the files of the data set do not exist on this machine.
        """
        if self.expected:
            check_worker(self.expected)
        if self.spec is not None:
            add_spec(self.spec)
        data = self.data
        finished = (self.folder / "metrics.json").is_file()
        if data is None and self.checksum and not finished:
            data = self.load()[1]
        settings = dict(self.settings)
        used = settings.pop("data", None)
        if data is not None:
            used = data
            settings = {name: settings[name] for name in settings if name not in _OF_DATA}
        return {
            **settings,
            "data": used,
            "data_dir": self.data_dir,
            "lock_seconds": _LOCK_SECONDS,
        }


def describe_data(job: TrainingJob) -> dict[str, str]:
    """Load the data of a job, without training.

    Returns:
        The checksum of the data, for comparison between machines.

    Raises:
        ValueError: if a setting is wrong.
        FileNotFoundError: if the files of the data set do not exist on this machine.
    """
    return {"a data set with the checksum": job.load()[1].checksum}
