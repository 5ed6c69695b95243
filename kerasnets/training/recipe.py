"""What a run is, in one page: the net, its data and how it is trained."""

from __future__ import annotations

import dataclasses
import inspect
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import tomli_w
from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from kerasnets._errors import unknown_name
from kerasnets.nets import describe

Count = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="forbid"))
class Recipe:
    """How a net is trained. Every field has a default but the net.

    Attributes:
        net: name of the net in the catalogue, or of the user's own model.
        net_arguments: the builder's own arguments: widths, rates, activations.
        data: name of the data set.
        data_options: the loader's own options.
        split: what is kept together when the data are split; the data set's own by default.
        split_seed: seed of the split, apart from ``seed`` so that several runs share one split.
        rescaling: ``"standard"`` puts a layer in front of the net that gives each feature mean 0
            and variance 1 on the training split; ``"none"`` leaves raw units.
        epochs: passes over the training split.
        batch_size: examples a step.
        optimizer: the Keras optimizer.
        learning_rate: at the start.
        schedule: of the learning rate over all steps: constant, down to 0 along a half cosine,
            or down to a hundredth exponentially.
        class_weights: ``"balanced"`` weights each class by the inverse of its share.
        threshold: of two classes, what chooses the decision threshold on the validation split:
            ``"fixed"`` at 0.5, ``"youden"`` for the highest sum of sensitivity and specificity,
            ``"f1"`` for the highest F1 of the second class. The probabilities stay as they are.
        calibration: ``"temperature"`` divides the logits of the trained model by the temperature
            that makes the log loss on the validation split smallest (Guo et al. 2017).
        early_stopping: epochs without improvement of ``monitor`` after which training stops;
            0 never stops.
        monitor: what decides which epoch is the best one, whose weights are kept; the loss
            counts without penalties of weights, which the net may have.
        seed: of the initial weights, the order of the batches and dropout.
        xla: compile the steps with XLA, or ``"auto"`` to measure once whether it ends the
            training sooner. The last digits depend on it, and the masks of recurrent dropout and
            of noise; those of Dropout layers only where it is ``"off"`` and no part of a step is
            left to XLA.
    """

    net: str
    net_arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    data: str = ""
    data_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    split: str = ""
    split_seed: Seed = 0
    rescaling: Literal["standard", "none"] = "standard"
    epochs: Count = 20
    batch_size: Count = 32
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = "adam"
    learning_rate: Rate = 1e-3
    schedule: Literal["constant", "cosine", "exponential"] = "constant"
    class_weights: Literal["none", "balanced"] = "none"
    threshold: Literal["fixed", "youden", "f1"] = "fixed"
    calibration: Literal["none", "temperature"] = "none"
    early_stopping: Annotated[int, Field(ge=0)] = 0
    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    seed: Seed = 0
    xla: Literal["auto", "on", "off"] = "auto"

    @classmethod
    def fields(cls) -> dict[str, dataclasses.Field[Any]]:
        """The fields by name."""
        return {field.name: field for field in dataclasses.fields(cls)}

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """What each field means and may be, by its name, from the docstring above."""
        entries = re.findall(
            r"^ {4}(\w+): (.*(?:\n {8}.*)*)", inspect.getdoc(cls) or "", flags=re.MULTILINE
        )
        texts = {name: " ".join(text.replace("``", "").split()) for name, text in entries}
        for name, kind in get_type_hints(cls).items():
            if get_origin(kind) is Literal:
                texts[name] += f" One of: {', '.join(get_args(kind))}."
        return texts


def make_recipe(net: str, **settings: Any) -> Recipe:
    """The default recipe of a net of the catalogue, with some settings replaced.

    Raises:
        ValueError: on an unknown net, an unknown setting (with near misses) or a value of the
            wrong type or out of range, naming every such setting.
    """
    spec = describe(net)
    recipe = check_recipe({"net": net, "data": spec.data, **spec.recipe, **settings})
    for argument in recipe.net_arguments:
        if argument not in spec.arguments:
            raise unknown_name(f"argument of {net}", argument, spec.arguments)
    return recipe


def check_recipe(settings: dict[str, Any], origin: str = "the recipe") -> Recipe:
    """A recipe from plain settings, each checked.

    Args:
        settings: the fields of :class:`Recipe` by name.
        origin: where they came from, for the message.

    Raises:
        ValueError: as :func:`make_recipe` says.
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
    """The settings a TOML recipe file holds, unchecked, for flags to override.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not TOML; the message gives line and column.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no recipe file {path}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from error


def read_recipe(path: str | Path) -> Recipe:
    """The recipe in a TOML file, completed with the net's defaults.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not TOML or as :func:`make_recipe` says.
    """
    settings = read_settings(path)
    if "net" not in settings:
        raise ValueError(f'{path} names no net; add a line such as net = "seizure-cnn".')
    return make_recipe(**settings)


def recipe_toml(recipe: Recipe) -> str:
    """The recipe as TOML, every setting written out."""
    return tomli_w.dumps(dataclasses.asdict(recipe))
