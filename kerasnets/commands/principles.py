"""``kerasnets principles``: what activation, first weights and order do to a small net."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kerasnets.commands._shared import json_flag, print_json

EXAMPLES = """\
  kerasnets principles                       all four, each with a figure
  kerasnets principles xor --out runs/xor
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME",
        help="activations, initialisation, order, xor; all by default",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("runs/principles"),
        help="folder of the figures, in which finished work is kept; default: runs/principles",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the epochs")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    from kerasnets.studies.principles import run_principles
    from kerasnets.studies.workspace import Workspace

    work = Workspace(arguments.out, quick=arguments.quick)
    found = run_principles(work, arguments.names)
    if arguments.json:
        print_json(found)
    else:
        for name, measured in found.items():
            print(name)
            for what, values in measured.items():
                print(f"  {what:<32} {_text(values)}")
    print(arguments.out, file=sys.stderr)


def _text(values: object) -> str:
    if not isinstance(values, dict):
        return str(values)
    shown = {name: value for name, value in values.items() if value is not None}
    return ", ".join(f"{name} {_short(value)}" for name, value in shown.items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
