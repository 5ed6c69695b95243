"""Training a net from a recipe into a run folder, and resuming an interrupted run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Unpack

from kerasnets._lazy import keras
from kerasnets.data import Dataset, as_dataset
from kerasnets.data.catalogue import data_spec
from kerasnets.engine import fallback
from kerasnets.engine.sources import as_source
from kerasnets.evaluation.tasks import Task, output_names
from kerasnets.nets import build, describe, load_model
from kerasnets.training import run_folder
from kerasnets.training.checks import (
    check_data,
    check_model,
    check_tensorboard,
    copy_model,
)
from kerasnets.training.plan import Plan, compile_model
from kerasnets.training.recipe import Recipe, check_recipe, make_recipe
from kerasnets.training.rescaling import with_rescaling
from kerasnets.training.run import Run, load_recipe_data, load_run, load_run_data
from kerasnets.training.session import Session, last_checkpoint
from kerasnets.training.start import begin, check_folder, clean_up_failed_start
from kerasnets.training.typed_settings import Settings, shows_settings


@shows_settings
def train(
    net: str | Recipe | keras.Model,
    *,
    data: Dataset | str | Path | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
    **settings: Unpack[Settings],
) -> Run:
    """Train a net, evaluate it, and write everything to a run folder.

    Args:
        net: a name of the catalogue, a complete :class:`Recipe`, or your own ``keras.Model`` with
            one output: logits, or values for a regression. Your model is copied and not changed;
            the trained one is ``run.model``. If it is compiled, its optimizer, loss and metrics
            are used.
        data: a data set, its name in the catalogue, or the path of a file. The default is the
            data set of the net; your own model has none.
        out: the run folder to make; ``runs/<net>-<number>`` by default.
        data_dir: where to look for the files of the data set.
        callbacks: your own Keras callbacks.
        progress: show a bar and one line per epoch on standard error.
        tensorboard: write TensorBoard logs into the run folder; needs the extra of that name.
        settings: fields of :class:`Recipe`.

    Returns:
        The run. Its model has the weights of the best epoch.

    Raises:
        ValueError: if a setting is wrong, the net cannot take the data, or the inputs contain NaN.
            No run folder is created then.
        FileNotFoundError: if the files of the data set do not exist; the message says how to get
            them.
        FileExistsError: if ``out`` is not empty.
        ImportError: if ``tensorboard`` is set and TensorBoard is not installed.
        TrainingDivergedError: if the loss becomes NaN or infinite; the message names the step.
    """
    requested: dict[str, Any] = dict(settings)
    if isinstance(net, Recipe):
        requested = {**asdict(net), **requested}
        net = requested.pop("net")
    if not isinstance(net, str | keras.Model):
        raise ValueError(
            "net must be a name of the catalogue, a Recipe or a keras.Model, got "
            f"{type(net).__name__}."
        )
    check_tensorboard(tensorboard)
    recipe, data = _recipe_and_data(net, data, data_dir, requested)
    check_data(data)
    check_folder(out)
    keras.utils.set_random_seed(recipe.seed)
    own = build(recipe.net, **recipe.net_arguments) if isinstance(net, str) else copy_model(net)
    task = check_model(own, data, recipe.task)
    fallback.check_model(own)
    _check_settings(recipe, task, data)
    model = with_rescaling(own, data, recipe, task)
    compile_model(model, Plan(recipe, data), task)
    with clean_up_failed_start(out) as started:
        folder = begin(out, recipe, data, model, task)
        session = Session(folder, recipe, data, model, callbacks, progress, tensorboard)
        started.append(session)
        return session.run()


def resume(
    folder: str | Path,
    *,
    data: Dataset | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
    tensorboard: bool = False,
) -> Run:
    """Resume an interrupted run. It ends with the same weights as an uninterrupted run.

    Args:
        folder: the run folder. A finished run is returned as it is.
        data: the data set, if ``load_data`` cannot load it.
        data_dir: where to look for the files of the data set.
        callbacks: as for :func:`train`.
        progress: as for :func:`train`.
        tensorboard: as for :func:`train`.

    Raises:
        FileNotFoundError: if there is no run in the folder.
        ValueError: if the data are not the data that the run began with.
    """
    folder = Path(folder)
    if not (folder / "recipe.toml").is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no recipe.toml.")
    if (folder / "metrics.json").is_file():
        return load_run(folder)
    check_tensorboard(tensorboard)
    recipe = run_folder.read_run_recipe(folder)
    data = load_run_data(folder, data, data_dir)
    model = load_model(last_checkpoint(folder))
    return Session(folder, recipe, data, model, callbacks, progress, tensorboard).run()


def _recipe_and_data(
    net: str | keras.Model,
    data: Any,
    data_dir: str | Path | None,
    settings: dict[str, Any],
) -> tuple[Recipe, Dataset]:
    """The checked recipe and its data set; a ``Dataset`` decides the settings of the data."""
    without_default = data is None and not isinstance(net, str)
    if without_default or not isinstance(data, str | os.PathLike | None):
        data = as_dataset(data)
    if isinstance(data, Dataset):
        settings = _with_data_settings(settings, data)
    elif data is not None:
        # An absolute path, so that the run can load its data from any working directory.
        path = Path(data).resolve()
        settings = {**settings, "data": str(path) if path.is_file() else os.fspath(data)}
    if isinstance(net, str):
        recipe = make_recipe(net, **settings)
        if not isinstance(data, Dataset):
            options = _data_options(recipe, settings.get("data_options", {}))
            recipe = replace(recipe, data_options=options)
    else:
        recipe = _recipe_of_model(net, settings)
    if not isinstance(data, Dataset):
        data = load_recipe_data(recipe, data_dir)
    if isinstance(net, str):
        arguments = {**_arguments_from(data, net), **recipe.net_arguments}
        recipe = replace(recipe, net_arguments=arguments)
    if isinstance(as_source(data.train.x).batch_spec(), dict):
        # There is no single array of inputs to rescale.
        recipe = replace(recipe, rescaling="none" if data.task != "regression" else "standard")
    return replace(recipe, split=data.split), data


def _with_data_settings(settings: dict[str, Any], data: Dataset) -> dict[str, Any]:
    """The settings with those of a data set; refuse settings that contradict it."""
    own = {
        "data": data.name,
        "data_options": dict(data.options),
        "split": data.split,
        "split_seed": data.seed,
    }
    for name, value in own.items():
        if (settings.get(name) or value) != value:
            raise ValueError(
                f"{name}={settings[name]!r} contradicts the data set, which has {value!r}. Leave "
                "the setting out, or pass the name of the data set."
            )
    return {**settings, **own}


def _recipe_of_model(model: keras.Model, settings: dict[str, Any]) -> Recipe:
    """The recipe of a user's own model; refuse settings that contradict its ``compile``."""
    if model.compiled:
        for name in ("optimizer", "learning_rate", "schedule"):
            if settings.get(name, "compiled") != "compiled":
                raise ValueError(
                    f"{model.name} is compiled with {type(model.optimizer).__name__}, which is "
                    f"used; {name}={settings[name]!r} contradicts it. Leave the setting out, or "
                    "pass a model that is not compiled."
                )
        settings = {**settings, "optimizer": "compiled"}
    return check_recipe({"net": model.name, **settings})


def _data_options(recipe: Recipe, requested: dict[str, Any]) -> dict[str, Any]:
    """The requested options, and the default options of the net that the data set has."""
    defaults = describe(recipe.net).recipe.get("data_options", {})
    known = data_spec(recipe.data).options
    return {**{name: value for name, value in defaults.items() if name in known}, **requested}


def _arguments_from(data: Dataset, net: str) -> dict[str, int]:
    """The arguments of the builder that depend on the data, if they differ from its defaults.

    These are the number of outputs, the number of codes of visits (known only from the training
    split), the number of samples or columns, and the size of images.
    """
    defaults = describe(net).arguments
    found = {"classes": len(output_names(data))}
    shape = as_source(data.train.x).batch_spec()
    if isinstance(shape, dict):
        if "visits" in shape:
            found["features"] = int(shape["visits"].shape[-1])
    elif len(shape.shape) == 2:
        found |= dict.fromkeys(("samples", "features"), int(shape.shape[1]))
    elif len(shape.shape) == 4 and shape.shape[1] == shape.shape[2]:
        found["size"] = int(shape.shape[1])
    return {
        name: value
        for name, value in found.items()
        if name in defaults and (value != defaults[name] or isinstance(shape, dict))
    }


def _check_settings(recipe: Recipe, task: Task, data: Dataset) -> None:
    """Refuse settings that do not apply to the task."""
    task.check_threshold_rule(recipe.threshold, output_names(data))
    for name in ("class_weights", "calibration"):
        if getattr(recipe, name) != "none" and not task.one_class_per_row:
            setting = f"{name}={getattr(recipe, name)!r}"
            raise ValueError(f"{setting} needs one class per row, but this is {task.name}.")
    if recipe.calibration != "none" and task.name == "binary":
        raise ValueError("calibration='temperature' needs a model with one logit per class.")
    if recipe.optimizer != "compiled":
        metrics = {"val_loss", *(f"val_{metric.name}" for metric in task.metrics())}
        if recipe.monitor not in metrics:
            raise ValueError(
                f"monitor={recipe.monitor!r} is not measured for {task.name}; choose one of "
                f"{', '.join(sorted(metrics))}."
            )
