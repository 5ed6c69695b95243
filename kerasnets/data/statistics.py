"""What a data set holds: rows a class and split, and statistics of every feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.data.dataset import Dataset, Split
from kerasnets.data.ehr.cohort_table import cohort_text, describe_cohort
from kerasnets.data.ehr.visits import VisitSequences

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 8  # features of a split in the text; JSON has all


def statistics(dataset: Dataset, split: str = "train") -> pd.DataFrame:
    """Minimum, maximum, mean and variance of every feature, before and after rescaling (S3).

    Rescaled is what the standard scaling of training makes of it: less the mean and divided by
    the standard deviation of the training split. A feature that is constant there is only
    shifted.

    Args:
        dataset: a data set with one array of inputs; further axes are flattened.
        split: the split to measure; the scale is always that of the training split.

    Returns:
        A row a feature, by its name or counted from 0, and the columns ``min``, ``max``,
        ``mean``, ``variance``, ``rescaled_min``, ``rescaled_max``, ``rescaled_mean``,
        ``rescaled_variance``. Variances divide by n.

    Raises:
        ValueError: if the inputs are several arrays, such as visits and their lengths, or there
            is no such split.
    """
    import pandas as pd

    if split not in dataset.splits:
        raise ValueError(f"Unknown split {split!r}. Allowed: {', '.join(dataset.splits)}.")
    train, part = _features(dataset.train), _features(dataset.splits[split])
    # Not where the deviation is 0: rounding leaves a constant column one of 1e-15.
    scale = np.where(np.ptp(train, axis=0) > 0, train.std(axis=0), 1.0)
    rescaled = (part - train.mean(axis=0)) / scale
    columns = {**_measures(part, ""), **_measures(rescaled, "rescaled_")}
    names = dataset.feature_names or range(part.shape[1])
    return pd.DataFrame(columns, index=pd.Index(names, name="feature"))


def describe(dataset: Dataset) -> dict[str, Any]:
    """What ``kerasnets data NAME --json`` prints: plain numbers and strings only.

    Returns:
        Name, ``simulated``, source, checksum, units, split and seed; under ``counts`` what was
        read and left out, where that was counted; under ``rows`` and, where they are known,
        ``recordings``, each split's total and number of each class; under
        ``statistics``, a list of features for each split. The last is ``None`` for a data set
        whose inputs are several arrays. For sequences of visits, what
        :func:`kerasnets.data.ehr.cohort_table.describe_cohort` says.
    """
    if isinstance(dataset.train.x, VisitSequences):
        return describe_cohort(dataset)
    splits = dataset.splits
    single = isinstance(dataset.train.x, np.ndarray)
    tables = {name: statistics(dataset, name) for name in splits} if single else None
    return {
        "name": dataset.name,
        "simulated": dataset.simulated,
        "source": dataset.source,
        "checksum": dataset.checksum,
        "units": dataset.units,
        "split": dataset.split,
        "seed": dataset.seed,
        "counts": dict(dataset.counts),
        "rows": {name: _counts(part.y, dataset.class_names) for name, part in splits.items()},
        "recordings": {name: _groups(part, dataset.class_names) for name, part in splits.items()},
        "statistics": tables
        and {name: table.reset_index().to_dict("records") for name, table in tables.items()},
    }


def describe_text(dataset: Dataset) -> str:
    """What ``kerasnets data NAME`` prints."""
    import pandas as pd

    if isinstance(dataset.train.x, VisitSequences):
        return cohort_text(dataset)
    facts = describe(dataset)
    kind = "SIMULATED, not measured" if dataset.simulated else "real"
    lines = [
        f"{dataset.name} ({kind})",
        f"source    {dataset.source}",
        f"checksum  {dataset.checksum}",
        f"split     by {dataset.split}, seed {dataset.seed}",
        *(f"{count:>9,}  {what}" for what, count in dataset.counts.items()),
    ]
    for what in ("rows", "recordings"):
        if all(facts[what].values()):
            lines += ["", what.capitalize(), pd.DataFrame(facts[what]).to_string()]
    for name, records in (facts["statistics"] or {}).items():
        table = pd.DataFrame(records).set_index("feature").rename(columns=_heading)
        units = dataset.units or "units of their own"
        lines += [
            "",
            f"{len(table)} features of the {name} split in {units}, → rescaled by the train split",
            table.to_string(
                max_rows=None if dataset.feature_names else _SHOWN,
                float_format=lambda value: f"{value:.2f}",
            ),
        ]
    return "\n".join(lines)


def _heading(column: str) -> str:
    return column.replace("rescaled_", "→ ")


def _features(split: Split) -> np.ndarray:
    if not isinstance(split.x, np.ndarray):
        several = "visits" if isinstance(split.x, VisitSequences) else ", ".join(split.x)
        raise ValueError(f"Statistics need one array of inputs, got {several}.")
    return split.x.reshape(len(split.x), -1).astype(np.float64)


def _measures(values: np.ndarray, prefix: str) -> dict[str, np.ndarray]:
    return {
        f"{prefix}min": values.min(axis=0),
        f"{prefix}max": values.max(axis=0),
        f"{prefix}mean": values.mean(axis=0),
        f"{prefix}variance": values.var(axis=0),
    }


def _counts(labels: np.ndarray, class_names: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(labels, minlength=len(class_names)).tolist()
    return {**dict(zip(class_names, counts, strict=True)), "all": len(labels)}


def _groups(split: Split, class_names: tuple[str, ...]) -> dict[str, int] | None:
    if split.groups is None:
        return None
    _, first = np.unique(split.groups, return_index=True)
    return _counts(split.y[first], class_names)
