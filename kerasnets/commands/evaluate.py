"""``kerasnets evaluate``: the metrics of a run, computed again."""

from __future__ import annotations

import argparse
from pathlib import Path

from kerasnets.commands._shared import data_dir_flag, json_flag, print_json

EXAMPLES = """\
  kerasnets evaluate runs/seizure-cnn-1
  kerasnets evaluate runs/seizure-cnn-1 --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("run", type=Path, help="a run folder")
    data_dir_flag(parser)
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from kerasnets.commands._metrics import metrics_text
    from kerasnets.evaluation import evaluate
    from kerasnets.training import load_run
    from kerasnets.training.run_data import load_run_data

    trained = load_run(arguments.run)
    data = load_run_data(arguments.run, data_dir=arguments.data_dir)
    metrics = evaluate(trained, data, threshold=trained.recipe.threshold)
    if arguments.json:
        print_json(metrics)
    else:
        print(metrics_text(trained, metrics))
