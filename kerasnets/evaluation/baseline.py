"""The majority baseline, and the figures to state first about a classifier.

If most rows have the same class, always predicting it gives a high accuracy. So accuracy alone
says little, and AUROC is stated first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The most frequent class has more than this times the mean number of rows of the other classes.
_UNBALANCED = 2.0


def is_unbalanced(support: Sequence[int]) -> bool:
    """Whether one class has more than twice the mean number of rows of the other classes.

    For two classes, this is a share above two thirds.

    Args:
        support: number of rows of each class.
    """
    others = sum(support) - max(support)
    return max(support) * (len(support) - 1) > _UNBALANCED * others


def majority_class(metrics: Mapping[str, Any]) -> str | None:
    """The most frequent class of a split; the first if several are.

    Args:
        metrics: the metrics of the split.

    Returns:
        ``None`` if the task does not have one class per row.
    """
    support = _support(metrics)
    return max(support, key=lambda name: support[name]) if support else None


def majority_accuracy(metrics: Mapping[str, Any], name: str) -> float:
    """The accuracy of always predicting a class.

    Args:
        metrics: the metrics of a split of a task with one class per row.
        name: the class.
    """
    support = _support(metrics)
    return support[name] / sum(support.values())


def headline(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures to state first about a split, by name of the metric, most important first.

    Args:
        metrics: the metrics of the split, usually of the test split.

    Returns:
        ``auroc`` and ``accuracy`` if the classes are unbalanced, else ``accuracy``; ``mae`` for
        a regression. Undefined metrics are left out.
    """
    names = ["mae"] if "mae" in metrics else ["accuracy"]
    if (support := _support(metrics)) and is_unbalanced(list(support.values())):
        names = ["auroc", "accuracy"]
    return {name: metrics[name] for name in names if metrics.get(name) is not None}


def _support(metrics: Mapping[str, Any]) -> dict[str, int]:
    classes = metrics.get("per_class", {})
    return {name: int(values["support"]) for name, values in classes.items()}
