"""Description of a data set: examples per class and split, and statistics of its features."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._tables import terminal_width, wrapped
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort_table import cohort_lines, describe_cohort
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.data.split import Split, describe_shapes

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 8  # features per split in the text; JSON has all


def statistics(dataset: Dataset, split: str = "train") -> pd.DataFrame:
    """Minimum, maximum, mean and variance of every feature, before and after rescaling (S3).

    Rescaling is the standard scaling of training: subtract the mean and divide by the standard
    deviation of the training split. If a feature is constant there, only the mean is
    subtracted.

    Args:
        dataset: a data set with one array of inputs; further axes are flattened.
        split: the split to measure; the scale is always that of the training split.

    Returns:
        One row per feature, indexed by its name or number from 0, with the columns ``min``,
        ``max``, ``mean``, ``variance``, ``rescaled_min``, ``rescaled_max``, ``rescaled_mean``,
        ``rescaled_variance``. Variances divide by n.

    Raises:
        ValueError: if the inputs are not one array, or the split does not exist.
    """
    import pandas as pd

    if split not in dataset.splits:
        raise ValueError(f"Unknown split {split!r}. Allowed: {', '.join(dataset.splits)}.")
    train, part = _features(dataset.train), _features(dataset.splits[split])
    # The deviation of a constant column may be 1e-15 by rounding, so test the range instead.
    scale = np.where(np.ptp(train, axis=0) > 0, train.std(axis=0), 1.0)
    rescaled = (part - train.mean(axis=0)) / scale
    columns = {**_measures(part, ""), **_measures(rescaled, "rescaled_")}
    names = dataset.feature_names or range(part.shape[1])
    return pd.DataFrame(columns, index=pd.Index(names, name="feature"))


def describe(dataset: Dataset) -> dict[str, Any]:
    """Describe a data set in plain numbers and strings, as ``kerasnets data NAME --json`` does.

    Returns:
        ``name``, ``simulated``, ``source``, ``checksum``, ``task``, ``targets``, ``units``,
        ``split``, ``seed`` and ``counts`` of records read and left out.

        For arrays, also ``rows`` and ``recordings``: for each split its total and, if the task
        has classes or labels, the number per class; ``recordings`` counts groups and is ``None``
        if they are unknown. ``statistics`` holds a list of features per split, or ``None`` for
        several arrays.

        For sequences of visits, also ``features``, ``cohort``, ``lengths`` and ``common_codes``,
        see :func:`kerasnets.data.ehr.cohort_table.describe_cohort`.
    """
    facts = {
        "name": dataset.name,
        "simulated": dataset.simulated,
        "source": dataset.source,
        "checksum": dataset.checksum,
        "task": dataset.task,
        "targets": list(dataset.target_names or dataset.class_names),
        "units": dataset.units,
        "split": dataset.split,
        "seed": dataset.seed,
        "counts": dict(dataset.counts),
    }
    return {**facts, **_describe_inputs(dataset.train.x, dataset)}


def describe_text(dataset: Dataset) -> str:
    """The text that ``kerasnets data NAME`` prints."""
    facts = describe(dataset)
    kind = "SIMULATED, not measured" if dataset.simulated else "real"
    unit = f" ({dataset.target_units})" if dataset.target_units else ""
    lines = [
        f"{dataset.name} ({kind})",
        f"source    {dataset.source}",
        f"checksum  {dataset.checksum}",
        f"task      {dataset.task} of {', '.join(facts['targets'])}{unit}",
        f"inputs    {describe_shapes(dataset.train.x)} in {dataset.units or 'unknown units'}",
        f"split     by {dataset.split}, seed {dataset.seed}",
        *(f"{count:>9,}  {what}" for what, count in dataset.counts.items()),
    ]
    lines = [wrapped(line, indent=" " * 10) for line in lines]
    return "\n".join([*lines, *_input_lines(dataset.train.x, dataset, facts)])


# One function per type of input: sequences of visits, and all other inputs, which are arrays.


@functools.singledispatch
def _describe_inputs(x: Any, dataset: Dataset) -> dict[str, Any]:
    splits = dataset.splits
    tables = {name: statistics(dataset, name) for name in splits} if _is_single(x) else None
    return {
        "rows": {name: _count(part.y, dataset) for name, part in splits.items()},
        "recordings": {name: _count_groups(part, dataset) for name, part in splits.items()},
        "statistics": tables
        and {name: table.reset_index().to_dict("records") for name, table in tables.items()},
    }


@_describe_inputs.register
def _(x: VisitSequences, dataset: Dataset) -> dict[str, Any]:
    return describe_cohort(dataset)


@functools.singledispatch
def _input_lines(x: Any, dataset: Dataset, facts: dict[str, Any]) -> list[str]:
    import pandas as pd

    lines = []
    for what in ("rows", "recordings"):
        if all(facts[what].values()):
            title = what if what == "rows" or dataset.split == "recording" else "groups"
            lines += [
                "",
                title.capitalize(),
                pd.DataFrame(facts[what]).to_string(line_width=terminal_width()),
            ]
    for name, records in (facts["statistics"] or {}).items():
        table = pd.DataFrame(records).set_index("feature").rename(columns=_heading)
        units = dataset.units or "their own units"
        heading = f"{len(table)} features of the {name} split in {units}"
        lines += [
            "",
            wrapped(f"{heading}, → rescaled by the train split"),
            table.to_string(
                max_rows=None if dataset.feature_names else _SHOWN,
                float_format=lambda value: f"{value:.2f}",
                line_width=terminal_width(),
            ),
        ]
    return lines


@_input_lines.register
def _(x: VisitSequences, dataset: Dataset, facts: dict[str, Any]) -> list[str]:
    return cohort_lines(facts)


def _heading(column: str) -> str:
    return column.replace("rescaled_", "→ ")


def _is_single(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def _features(split: Split) -> np.ndarray:
    if not _is_single(split.x):
        raise ValueError(f"Statistics need one array of inputs, got {describe_shapes(split.x)}.")
    return np.asarray(split.x, np.float64).reshape(len(split.x), -1)


def _measures(values: np.ndarray, prefix: str) -> dict[str, np.ndarray]:
    return {
        f"{prefix}min": values.min(axis=0),
        f"{prefix}max": values.max(axis=0),
        f"{prefix}mean": values.mean(axis=0),
        f"{prefix}variance": values.var(axis=0),
    }


def _count(y: np.ndarray, dataset: Dataset) -> dict[str, int]:
    """The number of examples per class or label, and the total."""
    names = dataset.class_names
    if dataset.task == "multilabel":
        counts = y.sum(axis=0).tolist()
    else:
        counts = np.bincount(y, minlength=len(names)).tolist() if names else []
    return {**dict(zip(names, counts, strict=True)), "all": len(y)}


def _count_groups(split: Split, dataset: Dataset) -> dict[str, int] | None:
    """The number of groups per class (label of their first example), and the total."""
    if split.groups is None:
        return None
    _, first = np.unique(split.groups, return_index=True)
    return _count(split.y[first], dataset)
