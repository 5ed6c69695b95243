"""``kerasnets principles``: effects of activation, initial weights and order on small nets."""

from __future__ import annotations

import argparse
from pathlib import Path

from kerasnets._tables import wrapped
from kerasnets.commands._shared import json_flag, print_json

EXAMPLES = """\
  kerasnets principles                       all four, with one figure each
  kerasnets principles xor --out runs/xor
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME",
        help="activations, initialisation, order, xor; default: all",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", default=Path("runs/principles"),
        help="folder of the figures; finished work in it is reused; default: runs/principles",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="test run with 2 %% of the epochs")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the studies and print what was measured."""
    from kerasnets.studies.principles import run_principles
    from kerasnets.studies.workspace import Workspace

    work = Workspace(arguments.out, quick=arguments.quick)
    measured = run_principles(work, arguments.names)
    if arguments.json:
        print_json(measured)
    else:
        for name, nets in measured.items():
            print(name)
            for label, values in nets.items():
                print(wrapped(f"  {label:<32} {_text(values)}", indent=" " * 35))
        print(arguments.out)


def _text(values: object) -> str:
    if not isinstance(values, dict):
        return str(values)
    shown = {name: value for name, value in values.items() if value is not None}
    return ", ".join(f"{name} {_format(value)}" for name, value in shown.items())


def _format(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
