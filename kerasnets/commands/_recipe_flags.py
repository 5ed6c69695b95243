"""The settings of a recipe as flags."""

from __future__ import annotations

import argparse
from typing import Any

from kerasnets.commands._parser import one_of
from kerasnets.commands._shared import names_of_data, value
from kerasnets.data import list_datasets
from kerasnets.data.catalogue import data_spec
from kerasnets.training.recipe import Recipe

_WITHOUT_FLAG = ("net", "net_arguments", "data_options")  # the command has other flags for them
_METAVARS = {int: "N", float: "X", str: "NAME"}


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add one flag per setting, with its choices, its default and its meaning."""
    group = parser.add_argument_group(
        "settings of the recipe", "Many nets have defaults of their own: kerasnets nets NET."
    )
    defaults, choices = Recipe.defaults(), Recipe.choices()
    for name, text in Recipe.descriptions().items():
        if name in _WITHOUT_FLAG:
            continue
        default = defaults[name]
        shown = "" if default == "" else f" Default: {default}."
        action = group.add_argument(
            f"--{name.replace('_', '-')}", help=(text + shown).replace("%", "%%")
        )
        if name in choices:
            action.choices, action.type = choices[name], one_of(name, choices[name])
        else:
            action.metavar = _METAVARS[type(default)]
        if name == "data":
            names_of_data(action)
        elif name == "split":
            action.help = f"{text} One of: {', '.join(_split_names())}."


def recipe_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings of the recipe that flags set, by name."""
    flags = {name: getattr(arguments, name, None) for name in Recipe.fields() if name != "net"}
    return {name: value(text) for name, text in flags.items() if text is not None}


def _split_names() -> list[str]:
    names = {split for name in list_datasets() for split in data_spec(name).splits}
    return sorted(names | {"group", "given"})  # the splits of a user's own file
