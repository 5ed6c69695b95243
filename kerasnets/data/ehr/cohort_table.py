"""The table that papers print about a cohort: patients, classes, visits and codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnets._tables import percent, terminal_width
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.data.split import Split, sequences

_BAR = 40  # characters of the longest bar of the histogram
_BINS = (1, 2, 3, 4, 5, 6, 11, 21, 51)  # first length of each bin
_BIN_NAMES = ("1", "2", "3", "4", "5", "6–10", "11–20", "21–50", "51+")
_COMMON = 10  # codes listed


def describe_cohort(dataset: Dataset) -> dict[str, Any]:
    """Facts about a data set of visits, as plain numbers and strings.

    Returns:
        ``features``, the number of codes; ``cohort``, for each split and for all: examples,
        patients, examples of each class but the first, and quartiles of visits per example and
        codes per visit; ``lengths``, the histogram of visits per example; ``common_codes`` of the
        training split with the share of its examples that have them.
    """
    splits = {**dataset.splits, "all": None}
    train = sequences(dataset.train)
    return {
        "features": train.features,
        "cohort": {
            name: _row([part] if part else list(dataset.splits.values()), dataset.class_names)
            for name, part in splits.items()
        },
        "lengths": _histogram(_lengths(list(dataset.splits.values()))),
        "common_codes": _common(train),
    }


def cohort_lines(facts: dict[str, Any]) -> list[str]:
    """The facts of :func:`describe_cohort` as lines of text."""
    import pandas as pd

    return [
        "",
        "Cohort (median and quartiles; all codes outside the vocabulary count as one)",
        pd.DataFrame(facts["cohort"]).to_string(line_width=terminal_width()),
        "",
        "Visits per example",
        *_bars(facts["lengths"]),
        "",
        f"Most common of {facts['features']} codes, share of the training examples",
        *(f"{percent(share):>9}  {code}" for code, share in facts["common_codes"].items()),
    ]


def _row(parts: list[Split], class_names: Sequence[str]) -> dict[str, Any]:
    y = np.concatenate([part.y for part in parts])
    groups = np.concatenate([part.groups for part in parts if part.groups is not None])
    codes = np.concatenate([sequences(part).codes_per_visit for part in parts])
    return {
        "examples": len(y),
        "patients": len(np.unique(groups)),
        **_class_counts(y, class_names),
        "visits": len(codes),
        "visits per example": _quartiles(_lengths(parts)),
        "codes per visit": _quartiles(codes),
        "visits without a code": int((codes == 0).sum()),
    }


def _class_counts(y: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Number and share of each class but the first, which are the others."""
    counts: dict[str, Any] = {}
    for label, name in enumerate(class_names[1:], 1):
        counts[name] = int((y == label).sum())
        counts[f"{name}, share"] = percent((y == label).mean())
    return counts


def _lengths(parts: list[Split]) -> np.ndarray:
    return np.concatenate([sequences(part).lengths for part in parts])


def _quartiles(values: np.ndarray) -> str:
    low, median, high = np.percentile(values, [25, 50, 75])
    return f"{median:g} ({low:g}–{high:g}), max {values.max()}"


def _histogram(lengths: np.ndarray) -> dict[str, int]:
    """Examples per number of visits; bins beyond the longest example are left out."""
    counts = np.bincount(np.digitize(lengths, _BINS) - 1)
    return {name: int(count) for name, count in zip(_BIN_NAMES, counts, strict=False)}


def _bars(histogram: dict[str, int]) -> list[str]:
    most = max(histogram.values())
    return [
        f"{name:>9}  {'█' * max(round(_BAR * count / most), int(count > 0))} {count:,}"
        for name, count in histogram.items()
    ]


def _common(train: VisitSequences) -> dict[str, float]:
    shares = train.code_shares()
    first = np.argsort(-shares, kind="stable")[:_COMMON]
    return {train.names[code]: float(shares[code]) for code in first if shares[code]}
