"""``kerasnets profile``: what a network costs."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from kerasnets._style import save_figure
from kerasnets.commands._models import load_model
from kerasnets.commands._shared import json_flag, pairs, print_json
from kerasnets.nets import build
from kerasnets.profiling import check_claims, claims_text, profile
from kerasnets.training import Run

EXAMPLES = """\
  kerasnets profile seizure-cnn
  kerasnets profile seizure-gru --set reset_after=false --explain
  kerasnets profile my_model.keras --convention macs --format markdown
  kerasnets profile runs/seizure-cnn-1 --mode training --plot runs/cost
  kerasnets profile --claims
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("model", nargs="?", help="name of a net, a .keras file, or a run folder")
    parser.add_argument("--claims", action="store_true", help="check every figure of the sources")
    parser.add_argument("--convention", default="exact", help="what counts as one operation")
    parser.add_argument("--mode", default="inference", help="or training: with backward and update")
    parser.add_argument("--time", type=int, help="steps, where the model leaves them open")
    parser.add_argument("--explain", action="store_true", help="write out each calculation")
    parser.add_argument("--plot", type=Path, metavar="PATH", help="draw it, as PATH.png and .svg")
    parser.add_argument(
        "--format", choices=("text", "markdown", "html", "csv", "json"), default="text"
    )
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="builder argument")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    if arguments.claims:
        claims = check_claims(build)
        if arguments.json:
            print_json([dataclasses.asdict(claim) for claim in claims])
        else:
            print(claims_text(claims))
        return
    if arguments.model is None:
        raise ValueError("Name a net, a .keras file or a run folder, or give --claims.")
    model, _ = load_model(arguments.model, pairs(arguments.set))
    if isinstance(model, Run):
        model = model.model
    cost = profile(model, convention=arguments.convention, mode=arguments.mode, time=arguments.time)
    form = "json" if arguments.json else arguments.format
    print(cost.explain() if arguments.explain else getattr(cost, f"to_{form}")())
    if arguments.plot:
        for path in save_figure(cost.plot(), arguments.plot):
            print(path, file=sys.stderr)
