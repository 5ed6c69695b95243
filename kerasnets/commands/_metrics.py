"""The metrics of a run as text: one line per metric, one column per split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasnets._tables import terminal_width, text_table, wrapped
from kerasnets.evaluation.baseline import headline, majority_accuracy, majority_class
from kerasnets.evaluation.metrics import METRIC_TITLES
from kerasnets.training import Run


def metrics_text(run: Run, metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Format metrics as a table.

    If the classes are unbalanced, AUROC comes first. The line below the accuracy is the accuracy
    of always predicting the most frequent class of the training split.

    Args:
        run: the run.
        metrics: its metrics by split.
    """
    intervals = metrics["test"].get("intervals", {})
    headers = ["", *metrics, *(["95 % interval of test"] if intervals else [])]
    rows = []
    for name in _names(metrics["test"]):
        row = [METRIC_TITLES[name], *(_cell(split.get(name)) for split in metrics.values())]
        rows.append([*row, *([_range(intervals.get(name))] if intervals else [])])
        if name == "accuracy" and (majority := majority_class(next(iter(metrics.values())))):
            baseline = [_cell(majority_accuracy(split, majority)) for split in metrics.values()]
            rows.append([f"  always {majority!r}", *baseline, *([""] if intervals else [])])
    align = "l" + "r" * (len(headers) - 1)
    title = f"{run.name} on {run.environment['data']['name']}, split by {run.recipe.split}"
    table = text_table(headers, rows, align, box=False, width=terminal_width())
    notes = [wrapped(line) for line in _notes(run, metrics["test"])]
    return "\n".join([wrapped(title), table, *notes])


def _names(test: Mapping[str, Any]) -> list[str]:
    """The metrics to show, in the order of the table."""
    names = [name for name in METRIC_TITLES if name in test]
    if "auroc" in headline(test):
        first = [name for name in ("n", "auroc", "average_precision") if name in names]
        names = [*first, *(name for name in names if name not in first)]
    return names


def _notes(run: Run, test: Mapping[str, Any]) -> list[str]:
    notes = []
    if test.get("intervals"):
        resampled = "patients" if run.recipe.split == "patient" else "independent groups of rows"
        notes.append(f"Intervals: bootstrap over {resampled}.")
    if "sensitivity" in test:
        notes.append(
            f"Test split at threshold {_cell(test['threshold'])} ({run.recipe.threshold}): "
            f"sensitivity {_cell(test['sensitivity'])}, specificity {_cell(test['specificity'])}, "
            f"AUROC of the hard labels {_cell(test['auroc_hard_labels'])}."
        )
    return notes


def _cell(value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _range(interval: list[float] | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
