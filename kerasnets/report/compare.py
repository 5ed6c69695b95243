"""The content of a page that shows runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def comparison_content(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Combine the contents of runs.

    Args:
        runs: from :func:`kerasnets.report.content.run_content`, with ``curves`` and ``cost``.

    Returns:
        ``runs``, each with a unique ``label``; ``settings``, those that differ, with a value per
        run; and ``notes`` on why numbers cannot be compared.
    """
    labels = _labels(runs)
    return {
        "kind": "comparison",
        "title": "Comparison of runs",
        "runs": [{**run, "label": label} for run, label in zip(runs, labels, strict=True)],
        "settings": different_settings(runs),
        "notes": notes(runs),
    }


def _labels(runs: Sequence[dict[str, Any]]) -> list[str]:
    """The folder of each run, with its number where two have the same name."""
    folders = [run["folder"] for run in runs]
    return [
        folder if folders.count(folder) == 1 else f"{folder} ({number})"
        for number, folder in enumerate(folders, 1)
    ]


def different_settings(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The settings that are not the same in all runs: ``name``, ``description``, ``values``."""
    rows = []
    for settings in zip(*(run["recipe"] for run in runs), strict=True):
        values = [setting["value"] for setting in settings]
        if any(value != values[0] for value in values):
            rows.append({**settings[0], "values": values})
    return [{key: row[key] for key in ("name", "description", "values")} for row in rows]


def notes(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Why the numbers of the runs cannot be compared; empty if they can."""
    found = []
    if len({run["task"] for run in runs}) > 1:
        found.append("The runs have different tasks, so their metrics measure different things.")
    if len({_test_rows(run) for run in runs}) > 1:
        found.append(
            "The runs were tested on different rows: their data sets or splits differ. A "
            "difference between their metrics may come from the rows and not from the nets."
        )
    if any(run["simulated"] for run in runs):
        found.append("Scores on simulated data say nothing about real data.")
    return found


def _test_rows(run: dict[str, Any]) -> tuple[Any, ...]:
    """What determines the rows of the test split."""
    data = run["data"]
    options = [row["value"] for row in run["recipe"] if row["name"] == "data_options"]
    rows = data["rows"]["test"]
    return data["checksum"], data["split"], data["split_seed"], rows, str(options)
