"""Shared by several subcommands: flags, NAME=VALUE arguments, JSON."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def json_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def data_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--data-dir`` and ``--data-option``."""
    parser.add_argument("--data-dir", type=Path, help="folder with the files of the data set")
    parser.add_argument(
        "--data-option", action="append", metavar="NAME=VALUE", help="an option of the data set"
    )


def column_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--target``, ``--group``, ``--drop`` and ``--allow``."""
    parser.add_argument("--target", help="for your own file: column to predict")
    parser.add_argument(
        "--group",
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


def columns(arguments: argparse.Namespace) -> dict[str, Any]:
    """The values of :func:`column_flags` that were given, as options of a data set."""
    values = {name: getattr(arguments, name) for name in ("target", "group", "drop", "allow")}
    return {name: value for name, value in values.items() if value is not None}


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
