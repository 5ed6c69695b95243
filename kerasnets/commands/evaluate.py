"""``kerasnets evaluate``: the metrics of a run, computed again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kerasnets._tables import text_table
from kerasnets.commands._shared import json_flag, print_json
from kerasnets.evaluation import evaluate
from kerasnets.training import Run, load_run
from kerasnets.training.run import load_run_data

EXAMPLES = """\
  kerasnets evaluate runs/seizure-cnn-1
  kerasnets evaluate runs/seizure-cnn-1 --json
"""

# Metrics of each task to print per split, with their titles.
_COLUMNS = {
    "classification": {
        "n": "rows",
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced acc.",
        "macro_f1": "macro F1",
        "auroc": "AUROC",
        "log_loss": "log loss",
        "ece": "ECE",
    },
    "multilabel": {
        "n": "rows",
        "accuracy": "accuracy",
        "exact_match": "exact match",
        "macro_f1": "macro F1",
        "auroc": "macro AUROC",
        "log_loss": "log loss",
    },
    "regression": {"n": "rows", "mae": "MAE", "rmse": "RMSE", "r2": "R²"},
}
_COLUMNS["binary"] = _COLUMNS["classification"]

# Metrics of each task to print with their intervals.
_INTERVALS = {
    "binary": {
        "auroc": "AUROC",
        "average_precision": "average precision",
        "brier": "Brier score",
        "log_loss": "log loss",
        "ece": "ECE",
    },
    "multilabel": {"auroc": "macro AUROC", "macro_f1": "macro F1", "accuracy": "accuracy"},
    "regression": {"mae": "MAE", "rmse": "RMSE", "r2": "R²"},
}
_INTERVALS["classification"] = _INTERVALS["binary"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--data-dir", type=Path, help="folder with the files of the data set")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    trained = load_run(arguments.run)
    data = load_run_data(arguments.run, data_dir=arguments.data_dir)
    metrics = evaluate(trained, data, threshold=trained.recipe.threshold)
    if arguments.json:
        print_json(metrics)
    else:
        print_metrics(trained, metrics)


def print_metrics(run: Run, metrics: dict[str, dict[str, Any]]) -> None:
    """Print the metrics of each split as a table."""
    columns = _COLUMNS[run.task]
    print(f"{run.name} on {run.environment['data']['name']}, split by {run.recipe.split}")
    rows = [[split, *(_cell(row.get(name)) for name in columns)] for split, row in metrics.items()]
    print(text_table(["", *columns.values()], rows))
    if "intervals" in metrics["test"]:
        _print_intervals(run, metrics["test"])


def _print_intervals(run: Run, test: dict[str, Any]) -> None:
    """Print the metrics of the test split with their intervals."""
    resampled = "patients" if run.recipe.split == "patient" else "independent groups of rows"
    print(f"test split, 95 % intervals by bootstrap over {resampled}:")
    for name, title in _INTERVALS[run.task].items():
        if name in test["intervals"]:
            low, high = test["intervals"][name] or (None, None)
            print(f"  {title:<18} {_cell(test[name])} ({_cell(low)} to {_cell(high)})")
    if "sensitivity" in test:
        print(
            f"  at threshold {_cell(test['threshold'])} ({run.recipe.threshold}): sensitivity "
            f"{_cell(test['sensitivity'])}, specificity {_cell(test['specificity'])}, AUROC of the "
            f"hard labels {_cell(test['auroc_hard_labels'])}"
        )


def _cell(value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
