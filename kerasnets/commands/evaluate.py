"""``kerasnets evaluate``: the metrics of a run, computed again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kerasnets.commands._shared import json_flag, print_json
from kerasnets.evaluation import evaluate
from kerasnets.training import Run, load_run
from kerasnets.training.run import load_run_data

EXAMPLES = """\
  kerasnets evaluate runs/seizure-cnn-1
  kerasnets evaluate runs/seizure-cnn-1 --json
"""

_BINARY = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "log_loss": "log loss",
    "ece": "ECE",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--data-dir", type=Path, help="where the data set's files are")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    trained = load_run(arguments.run)
    data = load_run_data(arguments.run, data_dir=arguments.data_dir)
    metrics = evaluate(trained, data, threshold=trained.recipe.threshold)
    if arguments.json:
        print_json(metrics)
    else:
        print_metrics(trained, metrics)


def print_metrics(run: Run, metrics: dict[str, dict[str, Any]]) -> None:
    """Print the metrics of each split as a table."""
    print(f"{run.name} on {run.environment['data']['name']}, split by {run.recipe.split}")
    columns = ("n", "accuracy", "balanced_accuracy", "macro_f1", "auroc", "log_loss", "ece")
    print(" " * 12 + "".join(f"{column:>19}" for column in columns))
    for split, row in metrics.items():
        print(f"{split:<12}" + "".join(f"{_cell(row[column]):>19}" for column in columns))
    if "average_precision" in metrics["test"]:
        _print_binary(run, metrics["test"])


def _print_binary(run: Run, test: dict[str, Any]) -> None:
    """Print what only two classes have, with the intervals of the test split."""
    over = "patients" if run.recipe.split == "patient" else "independent groups of examples"
    print(f"test split, 95 % intervals by bootstrap over {over}:")
    for name, title in _BINARY.items():
        low, high = test["intervals"].get(name, (None, None))
        print(f"  {title:<18} {_cell(test[name])} ({_cell(low)} to {_cell(high)})")
    print(
        f"  at threshold {_cell(test['threshold'])} ({run.recipe.threshold}): sensitivity "
        f"{_cell(test['sensitivity'])}, specificity {_cell(test['specificity'])}, AUROC of the "
        f"hard labels {_cell(test['auroc_hard_labels'])}"
    )


def _cell(value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
