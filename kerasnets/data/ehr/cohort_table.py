"""The table papers print of a cohort: how many, how many died, how long, how much recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnets.data.dataset import Dataset, Split, sequences
from kerasnets.data.ehr.visits import VisitSequences

_BAR = 40  # letters of the longest bar of the histogram
_BINS = (1, 2, 3, 4, 5, 6, 11, 21, 51)  # where the bins of the lengths begin
_BIN_NAMES = ("1", "2", "3", "4", "5", "6–10", "11–20", "21–50", "51+")
_COMMON = 10  # codes listed


def describe_cohort(dataset: Dataset) -> dict[str, Any]:
    """What ``kerasnets data NAME --json`` prints of sequences of visits.

    Returns:
        Name, ``simulated``, source, checksum, split, seed; ``counts`` of what was read and left
        out; ``features``; under ``cohort``, by split and for all, examples, patients, deaths,
        and quartiles of visits an example and codes a visit; ``lengths``, the histogram of
        visits an example; ``common_codes`` of the training split with the share of its examples
        that have them.
    """
    splits = {**dataset.splits, "all": None}
    return {
        "name": dataset.name,
        "simulated": dataset.simulated,
        "source": dataset.source,
        "checksum": dataset.checksum,
        "split": dataset.split,
        "seed": dataset.seed,
        "counts": dict(dataset.counts),
        "features": sequences(dataset.train).features,
        "cohort": {
            name: _row([part] if part else list(dataset.splits.values()))
            for name, part in splits.items()
        },
        "lengths": _histogram(_lengths(list(dataset.splits.values()))),
        "common_codes": _common(sequences(dataset.train)),
    }


def cohort_text(dataset: Dataset) -> str:
    """The same as text."""
    import pandas as pd

    facts = describe_cohort(dataset)
    kind = "SIMULATED, not measured" if dataset.simulated else "real"
    table = pd.DataFrame(facts["cohort"])
    lines = [
        f"{dataset.name} ({kind})",
        f"source    {dataset.source}",
        f"checksum  {dataset.checksum}",
        f"split     by {dataset.split}, seed {dataset.seed}",
        "",
        *(f"{count:>9,}  {what}" for what, count in facts["counts"].items()),
        "",
        "Cohort (median and quartiles; codes outside the vocabulary are one)",
        table.to_string(),
        "",
        "Visits an example",
        *_bars(facts["lengths"]),
        "",
        f"Most common of {facts['features']} codes, share of the training examples",
        *(f"{share:>9.1%}  {code}" for code, share in facts["common_codes"].items()),
    ]
    return "\n".join(lines)


def _row(parts: list[Split]) -> dict[str, Any]:
    y = np.concatenate([part.y for part in parts])
    groups = np.concatenate([part.groups for part in parts if part.groups is not None])
    codes = np.concatenate([sequences(part).codes_per_visit for part in parts])
    return {
        "examples": len(y),
        "patients": len(np.unique(groups)),
        "died": int(y.sum()),
        "died, share": f"{y.mean():.1%}",
        "visits": len(codes),
        "visits an example": _quartiles(_lengths(parts)),
        "codes a visit": _quartiles(codes),
        "visits without a code": int((codes == 0).sum()),
    }


def _lengths(parts: list[Split]) -> np.ndarray:
    return np.concatenate([sequences(part).lengths for part in parts])


def _quartiles(values: np.ndarray) -> str:
    low, median, high = np.percentile(values, [25, 50, 75])
    return f"{median:g} ({low:g}–{high:g}), max {values.max()}"


def _histogram(lengths: np.ndarray) -> dict[str, int]:
    """How many examples have how many visits; bins beyond the longest are left out."""
    counts = np.bincount(np.digitize(lengths, _BINS) - 1)
    return {name: int(count) for name, count in zip(_BIN_NAMES, counts, strict=False)}


def _bars(histogram: dict[str, int]) -> list[str]:
    most = max(histogram.values())
    return [
        f"{name:>9}  {'█' * max(round(_BAR * count / most), int(count > 0))} {count:,}"
        for name, count in histogram.items()
    ]


def _common(train: VisitSequences) -> dict[str, float]:
    rows = np.repeat(np.arange(len(train)), np.diff(train.code_offsets[train.visit_offsets]))
    examples = np.unique(rows * train.features + train.codes) % train.features
    counts = np.bincount(examples, minlength=train.features)
    first = np.argsort(-counts, kind="stable")[:_COMMON]
    return {train.names[code]: float(counts[code] / len(train)) for code in first if counts[code]}
