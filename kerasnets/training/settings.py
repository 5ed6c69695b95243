"""The recipe and the data set of a training, from the arguments of ``train``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras
from kerasnets.data import Dataset, as_dataset
from kerasnets.engine.sources import as_source
from kerasnets.evaluation.tasks import Task, output_names
from kerasnets.nets import describe
from kerasnets.training.recipe import Recipe, check_recipe, make_recipe
from kerasnets.training.run_data import load_recipe_data


def recipe_and_data(
    net: str | keras.Model,
    data: Any,
    data_dir: str | Path | None,
    settings: dict[str, Any],
    recipe: str | Path | Recipe = "default",
) -> tuple[Recipe, Dataset]:
    """Return the checked recipe and its data set; a ``Dataset`` decides the settings of the data.

    Args:
        net: a name of the catalogue, or a model.
        data: as for :func:`kerasnets.train`.
        data_dir: where to look for the files of the data set.
        settings: fields of the recipe.
        recipe: as for :func:`~kerasnets.training.make_recipe`.

    Raises:
        ValueError: if a setting is wrong or contradicts the data or the model.
        FileNotFoundError: if the files of the data set do not exist.
    """
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
        made = make_recipe(net, recipe, **settings)
    else:
        made = _recipe_of_model(net, settings, recipe)
    if isinstance(data, Dataset):
        made = replace(made, data_options=dict(data.options))
    else:
        data = load_recipe_data(made, data_dir)
    if isinstance(net, str):
        made = replace(made, net_arguments={**_arguments_from(data, net), **made.net_arguments})
    if isinstance(as_source(data.train.x).batch_spec(), dict):
        # There is no single array of inputs to rescale.
        made = replace(made, rescaling="none" if data.task != "regression" else "standard")
    return replace(made, split=data.split), data


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


def _recipe_of_model(
    model: keras.Model, settings: dict[str, Any], recipe: str | Path | Recipe
) -> Recipe:
    """The recipe of a user's own model; refuse settings that contradict its ``compile``."""
    if recipe != "default":
        raise ValueError(
            f"recipe={str(recipe)!r} is for a net of the catalogue. Pass the settings of your own "
            "model one by one, such as epochs=20."
        )
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


def check_settings(recipe: Recipe, task: Task, data: Dataset) -> None:
    """Refuse settings that do not apply to the task.

    Raises:
        ValueError: with the setting, and what is allowed.
    """
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
