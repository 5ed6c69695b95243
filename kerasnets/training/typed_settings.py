"""The settings of a recipe as keyword arguments with names and types, for editors and mypy."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, TypedDict, TypeVar

from kerasnets.training.recipe import Recipe

Function = TypeVar("Function", bound=Callable[..., Any])


class _CommonSettings(TypedDict, total=False):
    net_arguments: dict[str, Any]
    data_options: dict[str, Any]
    split: str
    split_seed: int
    task: Literal["auto", "classification", "binary", "multilabel", "regression"]
    rescaling: Literal["standard", "shared", "none"]
    epochs: int
    batch_size: int
    accumulate: int
    average_every: int
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd", "compiled"]
    learning_rate: float
    schedule: Literal["constant", "cosine", "exponential"]
    class_weights: Literal["none", "balanced"]
    threshold: Literal["fixed", "youden", "f1"]
    calibration: Literal["none", "temperature"]
    early_stopping: int
    monitor: Literal["val_loss", "val_accuracy", "val_mae"]
    xla: Literal["auto", "on", "off", "measure"]
    threads: int


class Settings(_CommonSettings, total=False):
    """The fields of :class:`~kerasnets.training.Recipe` but ``net`` and ``data``."""

    seed: int


class SearchSettings(_CommonSettings, total=False):
    """The fields of :class:`~kerasnets.training.Recipe` but ``net`` and ``seed``."""

    data: str


class _Default:
    """The default of a setting in a signature: the net decides, else the recipe."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<default of the net, or {self.value!r}>"


def shows_settings(function: Function) -> Function:
    """Let ``help`` and notebooks show the settings that a function takes as ``**settings``.

    Args:
        function: its last parameter is ``**settings: Unpack[…]``.
    """
    signature = inspect.signature(function)
    *own, _ = signature.parameters.values()
    names = {parameter.name for parameter in own}
    settings = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_Default(default),
            annotation=Recipe.fields()[name].type,
        )
        for name, default in Recipe.defaults().items()
        if name not in names
    ]
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *settings]
    )
    return function
