"""The folder of a reproduction. Finished work in it is reused, interrupted runs are resumed."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from kerasnets._files import read_json, write_json
from kerasnets._style import save_figure
from kerasnets.data import Dataset, load_data
from kerasnets.studies.runs import nest_builder_arguments, resume_or_train
from kerasnets.training import Run


class Workspace:
    """Loads data, trains nets and computes results. What the folder already contains is reused.

    Attributes:
        folder: where all results are written.
        data_dir: where to look for real data.
        quick: train every net for a single epoch. This is a test run; its results mean nothing.
        progress: show the progress of each training on standard error.
        recipe: the recipe of the trainings, such as ``"as-reported"``.
        seconds: time that the work so far took, including work done by earlier processes.
    """

    def __init__(
        self,
        folder: str | Path,
        data_dir: str | Path | None = None,
        *,
        quick: bool = False,
        progress: bool = False,
        recipe: str = "default",
    ) -> None:
        """Set up the workspace. The folder does not have to exist."""
        self.folder, self.data_dir = Path(folder), data_dir
        self.quick, self.progress, self.recipe = quick, progress, recipe
        self.seconds = 0.0

    def load_first(self, *names: str, **options: Any) -> Dataset:
        """Load the first data set whose files exist. The last name should need no files."""
        for name in names[:-1]:
            try:
                return load_data(name, data_dir=self.data_dir, **options)
            except FileNotFoundError:
                continue
        return load_data(names[-1], data_dir=self.data_dir, **options)

    def run(self, net: str, data: Dataset, seed: int = 0, **settings: Any) -> Run:
        """Return the run of a net. Resume it if it was interrupted; train it if it does not exist.

        Args:
            net: name of a net in the catalogue.
            data: the data set.
            seed: seed of the training.
            **settings: fields of the recipe, and arguments of the net's builder.

        Raises:
            ValueError: if the run in the folder has other settings or other data.
        """
        settings = {"seed": seed, **settings}
        if self.quick:
            settings["epochs"] = 1
        settings = nest_builder_arguments(net, settings)
        folder = self.folder / "runs" / f"{data.name}-{data.split}" / _folder_name(net, settings)
        if not folder.exists():
            _log(f"training {folder.name} on {data.name}, split by {data.split}")
        run = resume_or_train(
            net, folder, data=data, recipe=self.recipe, progress=self.progress, **settings
        )
        self.seconds += run.seconds
        return run

    def cached(self, name: str, key: dict[str, Any], compute: Callable[[], Any]) -> Any:
        """Return the result of ``compute``. It is read from the folder if the key is the same.

        Args:
            name: name of the JSON file that stores the result, without suffix.
            key: everything that the result depends on. It must be serialisable as JSON.
            compute: function that computes the result, which must be serialisable as JSON.
        """
        path, key = self.folder / f"{name}.json", {**key, "quick": self.quick}
        if path.is_file():
            found = _read_cache(path)
            if found["key"] == key:
                self.seconds += found["seconds"]
                return found["answer"]
        _log(f"computing {name}")
        started = time.perf_counter()
        answer = compute()
        seconds = round(time.perf_counter() - started, 3)
        write_json(path, {"key": key, "seconds": seconds, "answer": answer})
        self.seconds += seconds
        # Read the file, so that the first call returns the same types as later ones: JSON has no
        # tuples.
        return _read_cache(path)["answer"]

    def save_figure(self, name: str, figure: Figure) -> None:
        """Save a figure in the folder."""
        save_figure(figure, self.folder / name)


def _read_cache(path: Path) -> dict[str, Any]:
    found = read_json(path)
    if not isinstance(found, dict) or not {"key", "seconds", "answer"} <= found.keys():
        raise ValueError(f"{path} is damaged. Remove it, and its content is computed again.")
    return found


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _folder_name(net: str, settings: dict[str, Any]) -> str:
    flat = {**settings, **settings.get("net_arguments", {})}
    parts = [f"{name}-{flat[name]}" for name in sorted(flat) if name != "net_arguments"]
    return re.sub("[^A-Za-z0-9.]+", "-", "-".join([net, *parts])).strip("-")
