"""The folder of a reproduction: what is finished there is kept, what was interrupted goes on."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from kerasnets._files import write_json
from kerasnets._style import save_figure
from kerasnets.data import Dataset, load_data
from kerasnets.nets import describe
from kerasnets.training import Recipe, Run, make_recipe, resume, train
from kerasnets.training.run_folder import read_run_recipe


class Workspace:
    """Loads data, trains nets and computes, each only if that is not in the folder already.

    Attributes:
        folder: where everything goes.
        data_dir: where to look for real data.
        quick: whether to cut every training to one epoch: to try things out, not for figures.
        seconds: what the work so far took, in whichever process it was done.
    """

    def __init__(
        self,
        folder: str | Path,
        data_dir: str | Path | None = None,
        *,
        quick: bool = False,
        progress: bool = False,
    ) -> None:
        """Take the folder, which need not exist, and how to work."""
        self.folder, self.data_dir = Path(folder), data_dir
        self.quick, self.progress = quick, progress
        self.seconds = 0.0

    def load(self, *names: str, **options: Any) -> Dataset:
        """The first of some data sets whose files are there; the last should need none."""
        for name in names[:-1]:
            try:
                return load_data(name, data_dir=self.data_dir, **options)
            except FileNotFoundError:
                continue
        return load_data(names[-1], data_dir=self.data_dir, **options)

    def run(self, net: str, data: Dataset, seed: int = 0, **settings: Any) -> Run:
        """The run of a net: the one in the folder, gone on with where it was interrupted, or new.

        Args:
            net: a name of the catalogue.
            data: the data set.
            seed: of the training.
            settings: fields of the recipe, and arguments of the builder.

        Raises:
            ValueError: if the folder has a run of other settings or data in its place.
        """
        settings = {"seed": seed, **settings}
        if self.quick:
            settings["epochs"] = 1
        settings = nested(net, settings)
        folder = self.folder / "runs" / f"{data.name}-{data.split}" / _slug(net, settings)
        if (folder / "recipe.toml").is_file():
            _check_same(read_run_recipe(folder), net, data, settings, folder)
            run = resume(folder, data=data, progress=self.progress)
        else:
            self._say(f"training {folder.name} on {data.name}, split by {data.split}")
            run = train(net, data=data, out=folder, progress=self.progress, **settings)
        self.seconds += run.seconds
        return run

    def kept(self, name: str, key: dict[str, Any], compute: Callable[[], Any]) -> Any:
        """What ``compute`` gives, from the folder if it was computed of the same ``key`` before.

        Args:
            name: the file it is kept in, without suffix.
            key: all that the answer depends on, ready for JSON.
            compute: gives an answer ready for JSON.
        """
        path, key = self.folder / f"{name}.json", {**key, "quick": self.quick}
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["key"] == key:
                self.seconds += found["seconds"]
                return found["answer"]
        self._say(f"computing {name}")
        started = time.perf_counter()
        answer = compute()
        seconds = round(time.perf_counter() - started, 3)
        write_json(path, {"key": key, "seconds": seconds, "answer": answer})
        self.seconds += seconds
        # As it comes from the file: tuples have become lists.
        return json.loads(path.read_text(encoding="utf-8"))["answer"]

    def draw(self, name: str, figure: Figure) -> None:
        """Save a figure in the folder."""
        save_figure(figure, self.folder / name)

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def nested(net: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with those that are arguments of the net's builder under ``net_arguments``."""
    own = describe(net).arguments
    arguments = {name: value for name, value in settings.items() if name in own}
    rest = {name: value for name, value in settings.items() if name not in own}
    return {**rest, "net_arguments": arguments} if arguments else rest


def _slug(net: str, settings: dict[str, Any]) -> str:
    flat = {**settings, **settings.get("net_arguments", {})}
    words = [f"{name}-{flat[name]}" for name in sorted(flat) if name != "net_arguments"]
    return re.sub("[^A-Za-z0-9.]+", "-", "-".join([net, *words])).strip("-")


def _check_same(
    found: Recipe, net: str, data: Dataset, settings: dict[str, Any], folder: Path
) -> None:
    wanted = make_recipe(
        net,
        **settings,
        data=data.name,
        data_options=dict(data.options),
        split=data.split,
        split_seed=data.seed,
    )
    # What training itself fills in: the width of the vocabulary, and no rescaling of visits.
    wanted = replace(
        wanted,
        net_arguments={**found.net_arguments, **wanted.net_arguments},
        rescaling=wanted.rescaling if isinstance(data.train.x, np.ndarray) else found.rescaling,
    )
    if found != wanted:
        raise ValueError(
            f"The run in {folder} has other settings than are wanted now, such as those of an "
            "older version. Move it away, or choose another folder."
        )
