"""The section of the model card about the verification."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from kerasnets._tables import markdown_table

METRIC_NAMES = {"accuracy": "accuracy", "auroc": "AUROC", "mae": "mean absolute error", "r2": "R²"}


def verification_section(card: Mapping[str, Any]) -> str:
    """How the files were verified, and with which differences.

    Args:
        card: the content of ``card.json``.
    """
    verification = card.get("verification")
    if verification is None:
        return "## Verification\n\nThis export was not verified (`verify=False`)."
    text = (
        "Each runtime loaded the files in a new process, in which only the `keras` runtime can "
        f"import Keras, and ran {len(card['cases'])} sets of inputs: {', '.join(card['cases'])}. "
        f"The tolerance was {verification['tolerance']:g}. Differences are absolute if the "
        "largest value of the output is at most 1, and relative to that value otherwise."
    )
    rows = [(name, f"{diff:.2g}") for name, diff in verification["max_abs_diff"].items()]
    parts = [
        "## Verification",
        textwrap.fill(text, 100, break_on_hyphens=False),
        markdown_table(("runtime", "largest difference from Keras"), rows, "lr"),
        _largest_batch(card.get("largest_batch")),
        _rounding(card.get("rounding")),
        _keras_file(card.get("keras", {})),
        _test_metrics(verification.get("test_metrics") or {}),
    ]
    return "\n\n".join(part for part in parts if part)


def _largest_batch(batch: Mapping[str, Any] | None) -> str:
    if not batch:
        return ""
    return (
        f"The batches have at most {batch['rows']} rows. One row needs "
        f"{batch['bytes_per_row'] / 2**20:,.1f} MiB for the inputs and the outputs of all layers, "
        f"and {batch['macs_per_row'] / 1e9:,.2f} billion multiply-adds."
    )


def _rounding(errors: Mapping[str, float] | None) -> str:
    if not errors:
        return ""
    listed = ", ".join(f"{error:.2g} for `{name}`" for name, error in errors.items())
    return (
        "This net amplifies the rounding of float32: the outputs of Keras differ from those of the "
        f"same net in float64 by up to {listed}. Each runtime was allowed to differ from Keras by "
        "four times as much."
    )


def _keras_file(keras: Mapping[str, Any]) -> str:
    if "needs" in keras:
        needs = ", ".join(f"`{name}`" for name in keras["needs"])
        return f"`model.keras` was not verified: loading it needs {needs}."
    if "left_out" in keras:
        return f"There is no `model.keras`: {keras['left_out']}."
    return ""


def _test_metrics(metrics: Mapping[str, Mapping[str, float | None]]) -> str:
    if not metrics:
        return ""
    names = list(next(iter(metrics.values())))
    rows = [
        (runtime, *("–" if values[name] is None else f"{values[name]:.4f}" for name in names))
        for runtime, values in metrics.items()
    ]
    headers = ["runtime", *(METRIC_NAMES[name] for name in names)]
    return "On the test split:\n\n" + markdown_table(headers, rows, "l" + "r" * len(names))
