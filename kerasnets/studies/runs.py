"""Runs of catalogue nets: return, resume or train the run in a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.data import Dataset
from kerasnets.nets import describe
from kerasnets.training import Recipe, Run, make_recipe, resume, train
from kerasnets.training.stored import read_run_recipe


def resume_or_train(
    net: str,
    folder: str | Path,
    *,
    data: Dataset | str | None = None,
    recipe: str | Path = "default",
    data_dir: str | Path | None = None,
    progress: bool = False,
    callbacks: Sequence[Any] = (),
    figures: bool = True,
    lock_seconds: float = 0.0,
    **settings: Any,
) -> Run:
    """Return the run in a folder, resume it if it was interrupted, or train a new one.

    Args:
        net: name of a net in the catalogue.
        folder: the run folder. It does not have to exist.
        data: the data set, or its name. By default the one that the recipe names.
        recipe: as for :func:`~kerasnets.training.make_recipe`.
        data_dir: where to look for the files of the data set.
        progress: show the progress of each epoch on standard error.
        callbacks: Keras callbacks.
        figures: draw the figures of the run.
        lock_seconds: how long to wait for a process that has locked the folder. A process whose
            machine is lost may live on for a while.
        **settings: fields of :class:`~kerasnets.training.Recipe`.

    Raises:
        ValueError: if the folder contains a run with other settings or other data.
        BlockingIOError: if another process works in the folder.
    """
    folder = Path(folder)
    if isinstance(data, str):
        settings, data = {**settings, "data": data}, None
    options: dict[str, Any] = {
        "data": data,
        "data_dir": data_dir,
        "progress": progress,
        "callbacks": callbacks,
        "figures": figures,
    }

    def run() -> Run:
        if not (folder / "recipe.toml").is_file():
            return train(net, recipe=recipe, out=folder, **{**options, **settings})
        _check_same_settings(folder, make_recipe(net, recipe, **_with_name(settings, data)), data)
        return resume(folder, **options)

    return _retry_while_locked(run, lock_seconds)


def _retry_while_locked(run: Callable[[], Run], seconds: float) -> Run:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return run()
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)


def nest_builder_arguments(net: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Move the settings that are arguments of the net's builder into ``net_arguments``."""
    names = describe(net).arguments
    arguments = {name: value for name, value in settings.items() if name in names}
    arguments = {**settings.get("net_arguments", {}), **arguments}
    recipe = {name: value for name, value in settings.items() if name not in names}
    return {**recipe, "net_arguments": arguments} if arguments else recipe


def _with_name(settings: dict[str, Any], data: Dataset | None) -> dict[str, Any]:
    """The settings with the name of the data set, which decides the default recipe."""
    return settings if data is None else {**settings, "data": data.name}


def _check_same_settings(folder: Path, requested: Recipe, data: Dataset | None) -> None:
    found = read_run_recipe(folder)
    if found != _with_training_defaults(requested, data, found):
        raise ValueError(
            f"The run in {folder} has other settings than those requested. An older version may "
            "have written it. Move it away, or choose another folder."
        )


def _with_training_defaults(recipe: Recipe, data: Dataset | None, found: Recipe) -> Recipe:
    """Add the settings that ``train`` derives from the data, such as the size of the vocabulary."""
    recipe = replace(recipe, net_arguments={**found.net_arguments, **recipe.net_arguments})
    if data is None:
        return replace(
            recipe,
            data_options={**found.data_options, **recipe.data_options},
            split=recipe.split or found.split,
            rescaling=found.rescaling,
        )
    return replace(
        recipe,
        data=data.name,
        data_options=dict(data.options),
        split=data.split,
        split_seed=data.seed,
        # Only a single array is rescaled.
        rescaling=recipe.rescaling if isinstance(data.train.x, np.ndarray) else found.rescaling,
    )
