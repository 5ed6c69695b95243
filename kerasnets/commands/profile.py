"""``kerasnets profile``: count the parameters and operations of a model."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from kerasnets._style import save_figure
from kerasnets.commands._models import load_model
from kerasnets.commands._shared import json_flag, pairs, print_json
from kerasnets.profiling import profile
from kerasnets.training import Run

EXAMPLES = """\
  kerasnets profile seizure-cnn
  kerasnets profile seizure-gru --set reset_after=false --explain
  kerasnets profile my_model.keras --convention macs --format markdown
  kerasnets profile runs/seizure-cnn-1 --mode training --plot runs/cost
  kerasnets profile --claims
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.add_argument("model", nargs="?", help="name of a net, a .keras file, or a run folder")
    parser.add_argument(
        "--claims", action="store_true", help="check the counts stated in the course reports S1-S5"
    )
    parser.add_argument(
        "--convention",
        default="exact",
        help="what counts as one operation: exact (default), macs, tf, s2 or s5",
    )
    parser.add_argument(
        "--mode",
        default="inference",
        help="inference (default), or training to include backward pass and weight update",
    )
    parser.add_argument("--time", type=int, help="number of time steps, if unknown in the model")
    parser.add_argument("--explain", action="store_true", help="write out each calculation")
    parser.add_argument(
        "--plot", type=Path, metavar="PATH", help="save a bar chart as PATH.png and PATH.svg"
    )
    parser.add_argument(
        "--format", choices=("text", "markdown", "html", "csv", "json"), default="text"
    )
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="set an argument of the net's builder"
    )
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if arguments.claims:
        _print_claims(arguments.json)
        return
    if arguments.model is None:
        raise ValueError("Name a net, a .keras file or a run folder, or use --claims.")
    model, _ = load_model(arguments.model, pairs(arguments.set))
    if isinstance(model, Run):
        model = model.model
    cost = profile(model, convention=arguments.convention, mode=arguments.mode, time=arguments.time)
    output_format = "json" if arguments.json else arguments.format
    print(cost.explain() if arguments.explain else getattr(cost, f"to_{output_format}")())
    if arguments.plot:
        for path in save_figure(cost.plot(), arguments.plot):
            print(path, file=sys.stderr)


def _print_claims(as_json: bool) -> None:
    from kerasnets.studies.claims import check_claims, claims_text  # the other uses need no studies

    claims = check_claims()
    if as_json:
        print_json([dataclasses.asdict(claim) for claim in claims])
    else:
        print(claims_text(claims))
