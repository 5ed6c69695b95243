"""``kerasnets profile``: count the parameters and operations of a model."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from kerasnets._tables import wrapped
from kerasnets.commands._parser import one_of
from kerasnets.commands._shared import json_flag, names_of_nets, pairs, print_json

EXAMPLES = """\
  kerasnets profile seizure-cnn
  kerasnets profile seizure-gru --set reset_after=false --explain
  kerasnets profile my_model.keras --convention macs --format markdown
  kerasnets profile runs/seizure-cnn-1 --mode training --plot cost.png
  kerasnets profile --claims
"""

_MODES = ("inference", "training")
_FORMATS = ("text", "markdown", "html", "csv", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    names_of_nets(
        parser.add_argument(
            "model", nargs="?", help="name of a net, a .keras file, or a run folder"
        )
    )
    parser.add_argument(
        "--claims", action="store_true", help="check the counts stated in the course reports S1–S5"
    )
    parser.add_argument(
        "--convention",
        default="exact",
        metavar="NAME",
        help="what counts as one operation: exact (default), macs, tf, s2 or s5",
    )
    parser.add_argument(
        "--mode",
        default="inference",
        choices=_MODES,
        type=one_of("mode", _MODES),
        help="inference (default), or training to include backward pass and weight update",
    )
    parser.add_argument(
        "--time", type=int, metavar="STEPS", help="number of time steps, if unknown in the model"
    )
    parser.add_argument("--explain", action="store_true", help="write out each calculation")
    parser.add_argument(
        "--plot",
        metavar="PATH",
        help="save a bar chart: a .png, .svg or .pdf file, or a folder; other paths are saved as "
        "PATH.png and PATH.svg",
    )
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        default="text",
        type=one_of("format", _FORMATS),
        help="form of the table",
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
    from kerasnets._style import save_figure_as
    from kerasnets.commands._models import load_model
    from kerasnets.profiling import profile
    from kerasnets.training import Run

    if arguments.model is None:
        raise ValueError("Name a net, a .keras file or a run folder, or use --claims.")
    model, _ = load_model(arguments.model, pairs(arguments.set))
    if isinstance(model, Run):
        model = model.model
    cost = profile(model, convention=arguments.convention, mode=arguments.mode, time=arguments.time)
    output_format = "json" if arguments.json else arguments.format
    if arguments.explain:
        print("\n".join(map(wrapped, cost.explain().splitlines())))
    elif output_format == "text":
        print(cost)
    else:
        print(getattr(cost, f"to_{output_format}")())
    if arguments.plot:
        for path in save_figure_as(cost.plot(), arguments.plot, f"{cost.name}-cost"):
            print(path, file=sys.stderr)


def _print_claims(as_json: bool) -> None:
    from kerasnets.studies.claims import check_claims, claims_text  # the other uses need no studies

    claims = check_claims()
    if as_json:
        print_json([dataclasses.asdict(claim) for claim in claims])
    else:
        print(claims_text(claims))
