"""Training a net from a recipe into a run folder, and going on with one that was interrupted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._files import atomic_folder, write_json
from kerasnets._lazy import keras
from kerasnets.data import Dataset, VisitSequences, load_data
from kerasnets.data.catalogue import data_spec
from kerasnets.nets import build, describe, load_model
from kerasnets.training import run_folder, steps
from kerasnets.training.checks import check_data, check_fit, check_reloads, with_rescaling
from kerasnets.training.recipe import Recipe, check_recipe, make_recipe, recipe_toml
from kerasnets.training.run_folder import Run
from kerasnets.training.session import last_checkpoint, run_to_the_end


def train(
    net: str | Recipe | keras.Model,
    *,
    data: Dataset | str | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
    **settings: Any,
) -> Run:
    """Train a net, measure it, and leave everything in a run folder.

    Args:
        net: a name of the catalogue, a whole :class:`Recipe`, or a ``keras.Model`` of your own
            that gives logits.
        data: a data set, or the name of one; the net's own by default.
        out: the run folder to make; ``runs/<net>-<number>`` by default.
        data_dir: where to look for the data set's files.
        callbacks: Keras callbacks of your own, beside those of the trainer.
        progress: show a bar and a line an epoch on standard error.
        tensorboard: write TensorBoard logs into the run folder; needs the extra of that name.
        settings: fields of :class:`Recipe`.

    Returns:
        The run, whose model holds the weights of the best epoch.

    Raises:
        ValueError: on a wrong setting, data the net cannot take, or NaN among the inputs,
            before any work.
        FileExistsError: if ``out`` holds something already.
        TrainingDivergedError: if the loss becomes NaN or infinite; the message names the step.
    """
    if isinstance(net, Recipe):
        settings = {**asdict(net), **settings}
        net = settings.pop("net")
    recipe, data = _recipe_and_data(net, data, data_dir, settings)
    check_data(data)
    _check_folder(out)
    keras.utils.set_random_seed(recipe.seed)
    own = build(recipe.net, **recipe.net_arguments) if isinstance(net, str) else net
    check_fit(own, data)
    model = with_rescaling(own, data, recipe)
    steps.compile_model(model, recipe, data.train)
    folder = _begin(out, recipe, data, model)
    return run_to_the_end(folder, recipe, data, model, callbacks, progress, tensorboard)


def resume(
    folder: str | Path,
    *,
    data: Dataset | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
) -> Run:
    """Go on with an interrupted run; it ends with the weights of an uninterrupted one.

    Args:
        folder: the run folder. A finished run is returned as it is.
        data: the data set, where it is not one that ``load_data`` knows.
        data_dir: where to look for the data set's files.
        callbacks: as for :func:`train`.
        progress: as for :func:`train`.
        tensorboard: as for :func:`train`.

    Raises:
        FileNotFoundError: if the folder holds no run.
        ValueError: if the data are not those the run began with.
    """
    folder = Path(folder)
    if not (folder / "recipe.toml").is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no recipe.toml.")
    if (folder / "metrics.json").is_file():
        return run_folder.load_run(folder)
    recipe = run_folder.read_run_recipe(folder)
    data = load_run_data(folder, data, data_dir)
    model = load_model(last_checkpoint(folder))
    return run_to_the_end(folder, recipe, data, model, callbacks, progress, tensorboard)


def load_run_data(
    folder: str | Path, data: Dataset | None = None, data_dir: str | Path | None = None
) -> Dataset:
    """The data set of a run, the same split of the same data.

    Args:
        folder: the run folder.
        data: the data set, where it is not one that ``load_data`` knows.
        data_dir: where to look for the data set's files.

    Raises:
        FileNotFoundError: if its files are not there; the message says how to get them.
        ValueError: if it is other data, or another split of them.
    """
    folder = Path(folder)
    if data is None:
        data = load_recipe_data(run_folder.read_run_recipe(folder), data_dir)
    began = run_folder.read_json(folder / "environment.json")["data"]
    now = run_folder.describe_data(data)
    for what in ("checksum", "split", "split_seed", "rows"):
        if now[what] != began[what]:
            raise ValueError(
                f"The run in {folder} has data of {what} {began[what]}, and these have "
                f"{now[what]}. Give it the same data, split in the same way."
            )
    return data


def load_recipe_data(recipe: Recipe, data_dir: str | Path | None = None) -> Dataset:
    """The data set a recipe names, split as it says.

    Raises:
        FileNotFoundError: if its files are not there; the message says how to get them.
    """
    return load_data(
        recipe.data,
        data_dir=data_dir,
        split=recipe.split or None,
        seed=recipe.split_seed,
        **recipe.data_options,
    )


def _recipe_and_data(
    net: str | keras.Model,
    data: Dataset | str | None,
    data_dir: str | Path | None,
    settings: dict[str, Any],
) -> tuple[Recipe, Dataset]:
    """The checked recipe and its data set; a data set given as such decides its own settings."""
    if isinstance(data, Dataset):
        given = {
            "data": data.name,
            "data_options": dict(data.options),
            "split": data.split,
            "split_seed": data.seed,
        }
        for name, value in given.items():
            if (settings.get(name) or value) != value:
                raise ValueError(
                    f"{name}={settings[name]!r} contradicts the data set given, which has "
                    f"{value!r}; leave the setting out, or give the data set's name."
                )
        settings = {**settings, **given}
    elif data is not None:
        settings = {**settings, "data": data}
    if isinstance(net, str):
        recipe = make_recipe(net, **settings)
        if not isinstance(data, Dataset):
            options = _data_options(recipe, settings.get("data_options", {}))
            recipe = replace(recipe, data_options=options)
    else:
        recipe = check_recipe({"net": net.name, **settings})
    if not isinstance(data, Dataset):
        data = load_recipe_data(recipe, data_dir)
    if isinstance(net, str):
        arguments = {**_arguments_from(data, net), **recipe.net_arguments}
        recipe = replace(recipe, net_arguments=arguments)
    if not isinstance(data.train.x, np.ndarray):
        recipe = replace(recipe, rescaling="none")  # there is no one array to rescale
    return replace(recipe, split=data.split), data


def _data_options(recipe: Recipe, asked: dict[str, Any]) -> dict[str, Any]:
    """The options asked for, and of the net's usual ones those that the data set knows."""
    usual = describe(recipe.net).recipe.get("data_options", {})
    known = data_spec(recipe.data).options
    return {**{name: value for name, value in usual.items() if name in known}, **asked}


def _arguments_from(data: Dataset, net: str) -> dict[str, int]:
    """The builder's arguments that the data decide, where they differ from its defaults.

    The vocabulary of visits, which only the training split tells, the samples of a signal, and
    the classes.
    """
    x, defaults = data.train.x, describe(net).arguments
    found = {"classes": len(data.class_names)}
    if isinstance(x, VisitSequences):
        found["features"] = x.features
    elif isinstance(x, np.ndarray) and x.ndim == 2:
        found["samples"] = x.shape[1]
    return {
        name: value
        for name, value in found.items()
        if name in defaults and (value != defaults[name] or name == "features")
    }


def _check_folder(out: str | Path | None) -> None:
    """Refuse a folder that holds something, before any work."""
    if out is None or not Path(out).exists():
        return
    folder = Path(out)
    if not folder.is_dir() or any(folder.iterdir()):
        is_run = (folder / "recipe.toml").is_file()
        go_on = f", or go on with the run in it: kerasnets train --resume {folder}"
        raise FileExistsError(
            f"{folder} holds something already. Choose another folder{go_on if is_run else ''}."
        )
    folder.rmdir()


def _begin(out: str | Path | None, recipe: Recipe, data: Dataset, model: keras.Model) -> Path:
    """Make the run folder, whole, so that whatever stops the process leaves a run to resume."""
    numbered = (Path("runs") / f"{recipe.net}-{number}" for number in itertools.count(1))
    for folder in numbered if out is None else [Path(out)]:
        try:
            with atomic_folder(folder) as new:
                write_json(new / "environment.json", run_folder.describe_environment(data))
                run_folder.save_examples(new, data)
                run_folder.save_model(model, last_checkpoint(new))
                check_reloads(last_checkpoint(new))
                (new / "recipe.toml").write_text(recipe_toml(recipe), encoding="utf-8")
            return folder
        except FileExistsError:
            if out is not None:
                raise
    raise AssertionError("the numbers do not end")
