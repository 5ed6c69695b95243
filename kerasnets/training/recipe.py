"""The recipe of a run: the net, its data and all settings of the training."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import tomli_w
from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from kerasnets._errors import unknown_name
from kerasnets.nets import describe
from kerasnets.nets.spec import RECIPES

_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Recipe:
    """How a net is trained. Every field but ``net`` has a default.

    ``Recipe.descriptions()`` and ``kerasnets train --help`` describe the fields.
    """

    net: str = Field(description="name of the net in the catalogue, or of your own model")
    net_arguments: dict[str, Any] = Field(
        default_factory=dict, description="arguments of the builder, such as widths and rates"
    )
    data: str = Field("", description="name of the data set, or path of a file")
    data_options: dict[str, Any] = Field(
        default_factory=dict, description="options of the data set's loader"
    )
    split: str = Field(
        "",
        description="what stays in one split, such as 'recording'; by default that of the data set",
    )
    split_seed: int = Field(
        0,
        ge=0,
        lt=2**31,
        description="seed of the split, separate from 'seed' so that several runs share one split",
    )
    task: Literal["auto", "classification", "binary", "multilabel", "regression"] = Field(
        "auto", description="kind of task; 'auto' infers it from the labels and the model"
    )
    rescaling: Literal["standard", "shared", "none"] = Field(
        "standard",
        description="'standard' puts a layer in front of the net that scales each feature to mean "
        "0 and variance 1 on the training split, and scales the outputs of a regression to its "
        "targets; 'shared' uses one mean and variance for all features, which live streams need; "
        "'none' leaves raw units",
    )
    epochs: int = Field(20, ge=1, lt=2**31, description="passes over the training split")
    batch_size: int = Field(32, ge=1, lt=2**31, description="rows per step")
    accumulate: int = Field(
        1,
        ge=1,
        lt=2**31,
        description="number of batches whose gradients are averaged for each update; a schedule "
        "of the learning rate counts updates. Several workers exchange gradients once per update",
    )
    average_every: int = Field(
        0,
        ge=0,
        lt=2**31,
        description="with several workers: 0 sums their gradients in each update, as in one "
        "process; a number lets each worker train on its rows alone and averages the weights "
        "after that number of steps",
    )
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd", "compiled"] = Field(
        "adam",
        description="the Keras optimizer; 'compiled' is set for your own compiled model, whose "
        "optimizer, loss and metrics are used",
    )
    learning_rate: float = Field(
        1e-3, gt=0, allow_inf_nan=False, description="initial learning rate"
    )
    schedule: Literal["constant", "cosine", "exponential"] = Field(
        "constant",
        description="change of the learning rate over all steps: none, along a half cosine to 0, "
        "or exponentially to a hundredth",
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="'balanced' weights each class by the inverse of its share"
    )
    threshold: Literal["fixed", "youden", "f1"] = Field(
        "fixed",
        description="how the decision threshold of two classes is chosen on the validation split: "
        "'fixed' is 0.5, 'youden' maximises sensitivity plus specificity, 'f1' the F1 score of "
        "the second class. Probabilities do not change",
    )
    calibration: Literal["none", "temperature"] = Field(
        "none",
        description="'temperature' divides the logits of the trained model by the temperature with "
        "the smallest log loss on the validation split (Guo et al. 2017)",
    )
    early_stopping: int = Field(
        0,
        ge=0,
        description="stop after this number of epochs without a better 'monitor'; 0 means no early "
        "stopping",
    )
    monitor: Literal["val_loss", "val_accuracy", "val_mae"] = Field(
        "val_loss",
        description="metric that decides which epoch is best; its weights are kept. The loss "
        "counts without weight penalties",
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**31,
        description="seed of the initial weights, the order of batches and dropout",
    )
    xla: Literal["auto", "on", "off", "measure"] = Field(
        "auto",
        description="compile the steps with XLA. 'auto' decides by a rule from the layers and the "
        "number of steps; 'measure' times both. The last digits of a training depend on it, "
        "and so do the masks of recurrent dropout and noise. With 'off', Dropout layers use "
        "Keras's own masks",
    )
    threads: int = Field(
        0,
        ge=0,
        lt=2**15,
        description="threads per operation, set before TensorFlow runs its first operation; 0 "
        "means one per core. The last digits depend on it. 1 is faster for small convolutional "
        "nets",
    )

    @classmethod
    def fields(cls) -> dict[str, dataclasses.Field[Any]]:
        """Return the fields by name."""
        return {field.name: field for field in dataclasses.fields(cls)}

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """Return the description of each field by name."""
        return {name: f"{info.description}." for name, info in _field_infos(cls)}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the general default of each field but ``net`` by name."""
        recipe = dataclasses.asdict(check_recipe({"net": ""}))
        return {name: default for name, default in recipe.items() if name != "net"}

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """Return the allowed values of each field that has a fixed set of them, by name."""
        return {
            name: get_args(info.annotation)
            for name, info in _field_infos(cls)
            if get_origin(info.annotation) is Literal
        }


def _field_infos(recipe: type[Recipe]) -> Iterable[tuple[str, FieldInfo]]:
    return recipe.__pydantic_fields__.items()  # type: ignore[attr-defined]  # made by pydantic


def make_recipe(net: str, recipe: str | Path | Recipe = "default", **settings: Any) -> Recipe:
    """Return a recipe of a net of the catalogue with some settings replaced.

    Args:
        net: name of the net.
        recipe: ``"default"``: the settings that we recommend for the net on this data set;
            ``"as-reported"``: those of the course reports; else a TOML file, completed with the
            defaults, or a complete recipe. A file whose name is that of a recipe is passed as a
            ``Path``, or as a text such as ``"./as-reported"``.
        settings: fields of :class:`Recipe`. Those of ``net_arguments`` and ``data_options`` are
            replaced one by one.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: on an unknown net or recipe, an unknown setting (with near misses), or a value
            of the wrong type or out of range. The message names every such setting.
    """
    base = _base_settings(net, settings.get("data"), recipe)
    merged = {
        name: {**base[name], **settings[name]}
        for name in ("net_arguments", "data_options")
        if isinstance(base.get(name), dict) and isinstance(settings.get(name), dict)
    }
    made = check_recipe({**base, **settings, **merged})
    arguments = describe(net).arguments
    for argument in made.net_arguments:
        if argument not in arguments:
            raise unknown_name(f"argument of {net}", argument, arguments)
    return made


def _base_settings(net: str, data: Any, recipe: str | Path | Recipe) -> dict[str, Any]:
    """The settings of a recipe for a net and a data set, by default the one in the recipe."""
    spec = describe(net)
    if isinstance(recipe, Recipe):
        return {**dataclasses.asdict(recipe), "net": net}
    name, in_file = "default", {}
    if _is_name(recipe):
        name = str(recipe)
    else:
        in_file = read_settings(recipe)
    data = data or in_file.get("data") or spec.data
    # What is not a text is refused later, together with all other wrong settings.
    settings = spec.settings(data if isinstance(data, str) else "", name)
    return {**settings, **in_file, "net": net, "data": data}


def _is_name(recipe: str | Path) -> bool:
    """Whether this is the name of a recipe, or looks like one and is no file."""
    if not isinstance(recipe, str):
        return False
    looks_like_name = Path(recipe).name == recipe and not Path(recipe).suffix
    return recipe in RECIPES or (looks_like_name and not Path(recipe).exists())


def check_recipe(settings: dict[str, Any], origin: str = "the recipe") -> Recipe:
    """Return a recipe from plain settings after checking each of them.

    Args:
        settings: the fields of :class:`Recipe` by name.
        origin: where they come from, for error messages.

    Raises:
        ValueError: on an unknown or wrong setting, as in :func:`make_recipe`.
    """
    for name in settings:
        if name not in Recipe.fields():
            raise unknown_name(f"setting in {origin}", name, Recipe.fields())
    try:
        return Recipe(**settings)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc']))} = {problem['input']!r}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise ValueError(f"Wrong settings in {origin}: {'; '.join(problems)}.") from None


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return the settings of a TOML recipe file, unchecked, so that flags can override them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not TOML; the message names line and column.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no recipe file {path}.")
    try:
        return tomllib.loads(path.read_bytes().decode())
    except ValueError as error:  # not TOML, not UTF-8, or an integer of thousands of digits
        raise ValueError(f"{path} is not a TOML file: {error}") from error
    except RecursionError as error:
        raise ValueError(f"{path} has too many nested brackets.") from error


def read_recipe(path: str | Path) -> Recipe:
    """Return the recipe in a TOML file, completed with the defaults of the net on its data set.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not TOML, or a setting is wrong, as in :func:`make_recipe`.
    """
    net = read_net(path)
    try:
        return make_recipe(net, Path(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_net(path: str | Path) -> str:
    """Return the name of the net in a recipe file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not TOML, or names no net.
    """
    net = read_settings(path).get("net")
    if not isinstance(net, str):
        raise ValueError(f'{path} names no net; add a line such as net = "seizure-cnn".')
    return net


def recipe_toml(recipe: Recipe) -> str:
    """Return the recipe as TOML with every setting written out."""
    return tomli_w.dumps(dataclasses.asdict(recipe))
