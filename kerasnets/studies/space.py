"""The hyperparameters of a search: their ranges, and the points of a grid."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.nets import build, describe
from kerasnets.studies.runs import nest_builder_arguments
from kerasnets.training import Recipe, make_recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# The data and the score must be the same for all trials.
_FIXED = ("net", "net_arguments", "data", "data_options", "split", "split_seed", "monitor", "seed")
# These are chosen after training, so they do not change the score.
_AFTER_TRAINING = ("threshold", "calibration")


@dataclass(frozen=True)
class Hyperparameter:
    """A setting of the recipe, or an argument of the net's builder, that a search varies.

    Attributes:
        name: name of the setting or argument.
        low: the smallest value of a range. If both ends are integers, only integers are drawn.
        high: the largest value of a range.
        log: whether values are spaced evenly on a logarithmic scale.
        choices: the values, instead of a range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """Check that the range is valid."""
        if self.choices:
            return
        if not self.low < self.high or not math.isfinite(self.low + self.high):
            raise ValueError(
                f"The range of {self.name} must go from a smaller to a larger finite number, got "
                f"{self.low}:{self.high}."
            )
        if self.log and self.low <= 0:
            raise ValueError(
                f"The range of {self.name} is logarithmic, so it must start above 0, got "
                f"{self.low}:{self.high}."
            )

    @property
    def is_integer(self) -> bool:
        """Whether only integers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Both ends of a range, or every choice."""
        return self.choices or (self.low, self.high)

    def grid_values(self, count: int) -> list[Any]:
        """Return ``count`` evenly spaced values of a range, or all choices.

        A small range of integers may have fewer values.
        """
        if self.choices:
            return list(self.choices)
        if count == 1:
            middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
            values = np.array([middle])
        else:
            values = (np.geomspace if self.log else np.linspace)(self.low, self.high, count)
        if self.is_integer:
            return list(dict.fromkeys(round(value) for value in values.tolist()))
        return list(values.clip(self.low, self.high).tolist())

    def distribution(self) -> BaseDistribution:
        """The distribution for Optuna. Choices are encoded as JSON, because they may be lists."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.choices:
            return CategoricalDistribution([json.dumps(choice) for choice in self.choices])
        if self.is_integer:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def from_optuna(self, value: Any) -> Any:
        """Convert a value drawn by Optuna to a value for the recipe."""
        return json.loads(value) if self.choices else value

    def to_optuna(self, value: Any) -> Any:
        """Convert a value for the recipe to a value for Optuna."""
        return json.dumps(value) if self.choices else value


def grid_points(space: Sequence[Hyperparameter], budget: int) -> list[dict[str, Any]]:
    """Return the points of the largest grid with at most ``budget`` points.

    Every range has the same number of values, except that small ranges of integers may have fewer.

    Raises:
        ValueError: if a grid with only one value per range has too many points.
    """
    smallest = math.prod(len(entry.choices) or 1 for entry in space)
    if budget < smallest:
        raise ValueError(
            f"The grid has at least {smallest} points, but trials is {budget}. Allow {smallest} "
            "trials or more, or use fewer choices."
        )
    count = 1
    while _size(space, count) < _size(space, count + 1) <= budget:
        count += 1
    columns = [entry.grid_values(count) for entry in space]
    names = [entry.name for entry in space]
    return [dict(zip(names, point, strict=True)) for point in itertools.product(*columns)]


def _size(space: Sequence[Hyperparameter], count: int) -> int:
    return math.prod(len(entry.grid_values(count)) for entry in space)


def check_space(net: str, space: Sequence[Hyperparameter], settings: Mapping[str, Any]) -> Recipe:
    """Check, before any work, that a net can be built and trained with the hyperparameters.

    Args:
        net: name of a net in the catalogue.
        space: the hyperparameters.
        settings: settings that are the same for all trials: fields of the recipe, arguments of
            the builder, and ``recipe``, as for :func:`~kerasnets.training.make_recipe`.

    Returns:
        The recipe of the trials, without the hyperparameters.

    Raises:
        ValueError: if a hyperparameter is neither a setting nor an argument, must be the same for
            all trials, is repeated, or has a value that the recipe or the builder refuses.
    """
    if not space:
        raise ValueError(
            "A search needs at least one hyperparameter, such as learning_rate=1e-4:1e-1:log."
        )
    names = [entry.name for entry in space]
    allowed = [name for name in Recipe.fields() if name not in (*_FIXED, *_AFTER_TRAINING)]
    allowed += describe(net).arguments
    for name in names:
        if name not in allowed:
            raise unknown_name(f"hyperparameter of {net}", name, allowed)
    repeated = {name for name in names if names.count(name) > 1 or name in settings}
    if repeated:
        raise ValueError(
            f"{', '.join(sorted(repeated))} is given more than once. Give each name once."
        )
    for entry in space:
        for value in entry.extremes:
            varied = nest_builder_arguments(net, {**settings, entry.name: value})
            recipe = make_recipe(net, **varied)
            build(net, **recipe.net_arguments)
    return make_recipe(net, **nest_builder_arguments(net, dict(settings)))
