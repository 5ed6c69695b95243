"""The axes of a search: what may be varied, within which bounds, and the points of a grid."""

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
from kerasnets.studies.workspace import nested
from kerasnets.training import Recipe, make_recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# What decides how a trial is scored must be the same for all of them.
_FIXED = ("net", "net_arguments", "data", "data_options", "split", "split_seed", "monitor", "seed")
_AFTERWARDS = ("threshold", "calibration")  # chosen once the net is trained: no score changes


@dataclass(frozen=True)
class Axis:
    """One thing a search varies: a setting of the recipe or an argument of the net's builder.

    Attributes:
        name: of the setting or argument.
        low: the smallest value of a range; of two integers only integers are drawn.
        high: the largest.
        log: whether the range is even in the logarithm.
        choices: the values, where it is no range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """Refuse empty and impossible ranges."""
        if self.choices:
            return
        if not self.low < self.high or not math.isfinite(self.low + self.high):
            raise ValueError(
                f"The range of {self.name} must go from a smaller to a larger number, got "
                f"{self.low}:{self.high}."
            )
        if self.log and self.low <= 0:
            raise ValueError(
                f"The range of {self.name} cannot be even in the logarithm from {self.low}; start "
                "above 0."
            )

    @property
    def integer(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that must be legal: both ends of a range, or every choice."""
        return self.choices or (self.low, self.high)

    def points(self, count: int) -> list[Any]:
        """Evenly spaced values of a range, fewer where there are not so many whole numbers."""
        if self.choices:
            return list(self.choices)
        if count == 1:
            values = np.array([math.sqrt(self.low * self.high) if self.log else
                               (self.low + self.high) / 2])  # fmt: skip
        else:
            values = (np.geomspace if self.log else np.linspace)(self.low, self.high, count)
        if self.integer:
            return list(dict.fromkeys(round(value) for value in values.tolist()))
        return list(values.clip(self.low, self.high).tolist())

    def distribution(self) -> BaseDistribution:
        """What Optuna draws from. Choices are written as JSON, for they may be lists."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.choices:
            return CategoricalDistribution([json.dumps(choice) for choice in self.choices])
        if self.integer:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def read(self, drawn: Any) -> Any:
        """A value as drawn by Optuna, as the recipe takes it."""
        return json.loads(drawn) if self.choices else drawn

    def write(self, value: Any) -> Any:
        """A value as Optuna takes it; the opposite of :meth:`read`."""
        return json.dumps(value) if self.choices else value


def grid(axes: Sequence[Axis], budget: int) -> list[dict[str, Any]]:
    """The points of the largest grid within a budget, every range with as many values.

    Raises:
        ValueError: if not even one value a range fits; the message says what would.
    """
    least = math.prod(len(axis.choices) or 1 for axis in axes)
    if budget < least:
        raise ValueError(f"A grid of these axes has {least} points at least; trials is {budget}.")
    count = 1
    while _size(axes, count + 1) <= budget and _size(axes, count + 1) > _size(axes, count):
        count += 1
    columns = [axis.points(count) for axis in axes]
    names = [axis.name for axis in axes]
    return [dict(zip(names, point, strict=True)) for point in itertools.product(*columns)]


def _size(axes: Sequence[Axis], count: int) -> int:
    return math.prod(len(axis.points(count)) for axis in axes)


def check_space(net: str, axes: Sequence[Axis], settings: Mapping[str, Any]) -> Recipe:
    """Refuse axes that no net could be built or trained with, before any work.

    Args:
        net: a name of the catalogue.
        axes: what is varied.
        settings: what is set for all trials: fields of the recipe and builder arguments.

    Returns:
        The recipe of the trials, without the axes.

    Raises:
        ValueError: on an axis that is neither a setting nor an argument, is fixed by what a
            search is, is there twice, or has a value the recipe or the builder refuses.
    """
    if not axes:
        raise ValueError("A search needs one axis or more, such as learning_rate=1e-4:1e-1:log.")
    names = [axis.name for axis in axes]
    allowed = [name for name in Recipe.fields() if name not in (*_FIXED, *_AFTERWARDS)]
    allowed += describe(net).arguments
    for name in names:
        if name not in allowed:
            raise unknown_name(f"axis of a search on {net}", name, allowed)
    twice = {name for name in names if names.count(name) > 1 or name in settings}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} is there twice; give each name once.")
    for axis in axes:
        for value in axis.ends:
            recipe = make_recipe(net, **nested(net, {**settings, axis.name: value}))
            build(net, **recipe.net_arguments)
    return make_recipe(net, **nested(net, dict(settings)))
