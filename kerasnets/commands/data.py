"""``kerasnets data``: what a data set holds, and fetching it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kerasnets import data
from kerasnets.commands._shared import data_flags, json_flag, pairs, print_json

EXAMPLES = """\
  kerasnets data                       the names of the data sets
  kerasnets data seizure --split row
  kerasnets data fetch seizure
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("words", nargs="*", metavar="[fetch] NAME", help="the data set")
    parser.add_argument("--out", type=Path, help="folder for the figure of examples")
    parser.add_argument("--url", action="append", help="fetch from this base address instead")
    data_flags(parser)
    parser.add_argument("--split", help="what is kept together; the data set's own by default")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    match arguments.words:
        case []:
            names = data.list_datasets()
            print_json(names) if arguments.json else print("\n".join(names))
        case ["fetch"]:
            raise ValueError("Name the data set to fetch: kerasnets data fetch NAME.")
        case ["fetch", name]:
            print(data.fetch(name, data_dir=arguments.data_dir, urls=arguments.url))
        case [name]:
            _show_data(name, arguments)
        case _:
            raise ValueError(
                "Give one data set: kerasnets data NAME, or kerasnets data fetch NAME."
            )


def _show_data(name: str, arguments: argparse.Namespace) -> None:
    # Here and not above: the names of the data sets and fetching them need no matplotlib.
    from kerasnets._style import save_figure
    from kerasnets.data.figures.examples import draw_examples

    dataset = data.load_data(
        name,
        data_dir=arguments.data_dir,
        split=arguments.split,
        seed=arguments.seed,
        **pairs(arguments.data_option),
    )
    if arguments.json:
        print_json(data.describe(dataset))
    else:
        print(data.describe_text(dataset))
    if isinstance(dataset.train.x, data.VisitSequences):
        return
    folder = arguments.out or Path("runs") / "data"
    what, figure = draw_examples(dataset)
    for path in save_figure(figure, folder / f"{name}-{what}"):
        print(path, file=sys.stderr)
