"""``kerasnets export``: from a trained network to files that run without Keras."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kerasnets.commands._models import load_model
from kerasnets.commands._shared import json_flag, print_json
from kerasnets.exporting import export
from kerasnets.nets import list_nets
from kerasnets.training import Run

EXAMPLES = """\
  kerasnets export runs/seizure-cnn-1
  kerasnets export my_model.keras --out exported/mine --formats onnx
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("model", help="a run folder, a .keras file, or name of a net")
    parser.add_argument("--out", type=Path, help="default: exported/<name>")
    parser.add_argument(
        "--formats", default="saved_model,onnx", help="comma-separated: saved_model, onnx"
    )
    parser.add_argument("--version", type=int, help="default: the next one")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    model, name = load_model(arguments.model, {})
    if arguments.model in list_nets() and not isinstance(model, Run):
        print(f"{name} is exported untrained, with fresh weights", file=sys.stderr)
    out = arguments.out or Path("exported") / name
    folder = export(
        model, out, formats=tuple(arguments.formats.split(",")), version=arguments.version
    )
    print_json({"folder": str(folder)}) if arguments.json else print(folder)
