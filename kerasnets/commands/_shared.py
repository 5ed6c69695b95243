"""Shared by several subcommands: flags, NAME=VALUE arguments, JSON."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasnets.commands._completion import complete_with
from kerasnets.nets.spec import RECIPES


def json_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def data_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--data-dir``, ``--data-option``, and the flags for the columns of a table."""
    data_dir_flag(parser)
    parser.add_argument(
        "--data-option", action="append", metavar="NAME=VALUE", help="an option of the data set"
    )
    parser.add_argument("--target", metavar="COLUMN", help="for your own file: column to predict")
    parser.add_argument(
        "--group",
        metavar="COLUMN",
        help="for your own file: rows with the same value in this column stay in one split",
    )
    parser.add_argument(
        "--drop", action="append", metavar="COLUMN", help="leave out a column of a table"
    )
    parser.add_argument(
        "--allow",
        action="append",
        metavar="COLUMN",
        help="keep a column that looks like an identifier or free text",
    )


def data_dir_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--data-dir``."""
    parser.add_argument(
        "--data-dir", type=Path, metavar="FOLDER", help="folder with the files of the data set"
    )


def data_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of the data set that the flags of :func:`data_flags` set.

    Raises:
        ValueError: if an option does not have the form NAME=VALUE.
    """
    columns = {name: getattr(arguments, name) for name in ("target", "group", "drop", "allow")}
    set_columns = {name: column for name, column in columns.items() if column is not None}
    return {**pairs(arguments.data_option), **set_columns}


def recipe_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--recipe``."""
    action = parser.add_argument(
        "--recipe",
        metavar="RECIPE",
        help="'default': the settings that we recommend for the net on this data set; "
        "'as-reported': those of the course reports; else a TOML file of settings. Flags override "
        "the recipe. A file of such a name is written ./as-reported",
    )
    complete_with(action, lambda: RECIPES)


def quiet_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet``."""
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing but the folder of the results"
    )


def names_of_data(action: argparse.Action) -> None:
    """Complete an argument with the names of the data sets, and list them in its help."""
    from kerasnets.data import list_datasets

    complete_with(action, list_datasets)
    action.help = f"{(action.help or '').rstrip('.')}. Names: {', '.join(list_datasets())}"


def names_of_nets(action: argparse.Action) -> None:
    """Complete an argument with the names of the nets."""
    from kerasnets.nets import list_nets

    complete_with(action, list_nets)


def pairs(texts: Sequence[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE arguments into a dict. Values are read as TOML.

    Raises:
        ValueError: if an argument has another form.
    """
    named = {}
    for text in texts or ():
        name, equals, toml = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} must have the form NAME=VALUE, such as units=[32].")
        named[name] = value(toml)
    return named


def value(text: str) -> Any:
    """Read a TOML value such as a number, a list or ``true``. Other text is returned as it is."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return float(text)  # TOML refuses numbers such as .5
    except ValueError:
        return text


def print_json(content: Any) -> None:
    """Print standard JSON, without NaN."""
    print(json.dumps(content, indent=2, allow_nan=False))
