"""The entry of a network in the catalogue: what it is, its recipes, and what is known about it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kerasnets._display import html_block
from kerasnets._errors import unknown_name
from kerasnets.nets.figures import METRICS, TestFigure

if TYPE_CHECKING:
    import keras

Settings = Mapping[str, Any]

RECIPES = ("default", "as-reported")


@dataclass(frozen=True, repr=False)
class NetSpec:
    """The entry of a network in the catalogue.

    Attributes:
        name: the name to build it by.
        builder: the function that builds it. All arguments are keyword-only and have defaults.
        data: the data set it is made for.
        source: where it comes from: course reports such as ``"S1 S2 S5"``, or ``"own"`` for our
            reference nets.
        summary: one line that describes it.
        recipe: its default recipe: the settings that we recommend where they differ from the
            general default. It is used for data without an entry in ``recipe_by_data``, such as
            your own.
        recipe_by_data: the settings that we recommend instead, by name of the data set.
        as_reported: the settings with which we check the figures of the course reports, as far as
            they differ from the general default; ``None`` if the net is in no report.
        params: the number of parameters with the default arguments, if known.
        flops: the FLOPs of one sample with the default arguments under the convention ``exact``,
            if known; an expression such as ``"64371*T + 62"`` if they depend on the time steps.
        test: our result on a test split with the default recipe, if known.
        test_as_reported: the same with the recipe ``"as-reported"``.
        recommended: whether it is a good first choice for its kind of data.
    """

    name: str
    builder: Callable[..., keras.Model]
    data: str
    source: str
    summary: str
    recipe: Settings = field(default_factory=dict)
    recipe_by_data: Mapping[str, Settings] = field(default_factory=dict)
    as_reported: Settings | None = None
    params: int | None = None
    flops: int | str | None = None
    test: TestFigure | None = None
    test_as_reported: TestFigure | None = None
    recommended: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the builder with their defaults."""
        parameters = inspect.signature(self.builder).parameters
        return {name: parameter.default for name, parameter in parameters.items()}

    @property
    def recipes(self) -> tuple[str, ...]:
        """The names of its recipes."""
        return RECIPES[:1] if self.as_reported is None else RECIPES

    def settings(self, data: str = "", recipe: str = "default") -> dict[str, Any]:
        """The settings of a recipe, as far as they differ from the general default.

        Args:
            data: the name of the data set. Default: the data set that the net is made for.
            recipe: a name of ``recipes``.

        Raises:
            ValueError: there is no recipe of this name.
        """
        if recipe not in RECIPES:
            raise unknown_name(f"recipe of {self.name}", recipe, self.recipes)
        if recipe == "default":
            return dict(self.recipe_by_data.get(data or self.data, self.recipe))
        if self.as_reported is None:
            raise ValueError(
                f"{self.name} is not in the course reports, so it has no recipe 'as-reported'. "
                "Use 'default'."
            )
        return dict(self.as_reported)

    def __repr__(self) -> str:
        cost = "" if self.params is None else f", {self.params:,} parameters"
        test = "" if self.test is None else f", test {self.test}"
        return f"NetSpec({self.name!r} for {self.data!r}{cost}{test})"

    def _repr_html_(self) -> str:
        """Describe the network in a notebook."""
        return html_block(f"{self.name}: {self.summary}", self.facts())

    def facts(self) -> dict[str, str]:
        """What is known about the network, as texts by name."""
        flops = f"{self.flops:,}" if isinstance(self.flops, int) else self.flops
        facts = {
            "data": self.data,
            "source": "our reference net" if self.source == "own" else self.source,
            "parameters": "" if self.params is None else f"{self.params:,}",
            "FLOPs": flops or "",
            "test": "",
            "recommended": "yes" if self.recommended else "",
            "arguments": ", ".join(f"{name}={x!r}" for name, x in self.arguments.items()),
            "recipe": _settings_text(self.recipe),
        }
        for data, settings in self.recipe_by_data.items():
            facts[f"on {data}"] = _settings_text(settings)
        if self.as_reported is not None:
            facts["as-reported"] = _settings_text(self.as_reported)
        if (test := self.test) is not None:
            metric = METRICS[test.metric]
            facts["test"] = f"{metric} {test.with_interval} on {test.data}, {test.protocol} "
            facts["test"] += f"({test.source})"
            if (reported := self.test_as_reported) is not None:
                facts["test"] += f"; as-reported {reported.with_interval}"
        return {name: text for name, text in facts.items() if text}


def _settings_text(settings: Settings) -> str:
    texts = [f"{name}={value!r}" for name, value in settings.items()]
    return ", ".join(texts) or "the general default"
