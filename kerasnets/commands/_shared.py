"""What several sub-commands share: flags, NAME=VALUE words, JSON."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def json_flag(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def data_flags(parser: argparse.ArgumentParser) -> None:
    """``--data-dir`` and ``--data-option``."""
    parser.add_argument("--data-dir", type=Path, help="where the data set's files are")
    parser.add_argument(
        "--data-option", action="append", metavar="NAME=VALUE", help="an option of the data set"
    )


def pairs(texts: Sequence[str] | None) -> dict[str, Any]:
    """NAME=VALUE words as a dict, the values read as TOML."""
    named = {}
    for text in texts or ():
        name, equals, word = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} must have the form NAME=VALUE, such as units=[32].")
        named[name] = value(word)
    return named


def value(text: str) -> Any:
    """A word as TOML reads it: a number, a list, true or false; else the word itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return float(text)  # .5, which TOML refuses
    except ValueError:
        return text


def print_json(content: Any) -> None:
    """Print JSON that every reader takes: no NaN."""
    print(json.dumps(content, indent=2, allow_nan=False))
