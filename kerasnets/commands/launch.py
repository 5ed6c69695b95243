"""``kerasnets launch``: train with several local processes."""

from __future__ import annotations

import argparse

EXAMPLES = """\
  kerasnets launch -n 2 train seizure-mlp --out runs/a
  kerasnets launch -n 4 --restarts 10 train mortality-gru --out runs/b
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    parser.add_argument(
        "-n", "--processes", type=int, default=2, metavar="N", help="number of workers"
    )
    parser.add_argument(
        "--restarts", type=int, default=3, metavar="N",
        help="how often to start all workers again, after the last epoch, if one is lost",
    )  # fmt: skip
    parser.add_argument(
        "training", nargs=argparse.REMAINDER, metavar="train …", help="the training to run"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from kerasnets.training.launch import launch

    launch(arguments.training, arguments.processes, arguments.restarts)
