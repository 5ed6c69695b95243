"""Decision trees for every combination of depth, samples per split and samples per leaf (S3)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._deprecation import renamed_arguments
from kerasnets._progress import progress_bar
from kerasnets.data.dataset import Dataset, Split

if TYPE_CHECKING:
    import pandas as pd

MAX_DEPTH = (5, 10, 15, 20, 25)
MIN_SAMPLES_SPLIT = (2, 4, 8, 16, 32, 64, 128)
MIN_SAMPLES_LEAF = (1, 2, 4, 8, 16, 32, 64)
GRID = ["max_depth", "min_samples_split", "min_samples_leaf"]
Point = tuple[int, int, int]  # one value for each name in GRID
Arrays = Mapping[str, tuple[np.ndarray, np.ndarray]]  # inputs and labels of each split


@dataclass(frozen=True)
class Trees:
    """The trees of a grid, and the recommended one.

    Attributes:
        data: the data set the trees were grown on.
        table: one row per point of the grid, in the order of the grid: ``max_depth``,
            ``min_samples_split``, ``min_samples_leaf``, ``nodes``, ``train_auc``,
            ``validation_auc`` and ``standard_error`` of the validation AUC.
        recommended: the row of the recommended tree, with ``test_auc``.
        seed: seed that decides between splits of equal gain.
    """

    data: Dataset
    table: pd.DataFrame
    recommended: dict[str, float]
    seed: int

    @property
    def text(self) -> str:
        """The recommendation and its reason as text."""
        best = self.table.iloc[self.table["validation_auc"].argmax()]
        chosen = self.recommended
        settings = ", ".join(f"{name} {chosen[name]:.0f}" for name in GRID)
        return (
            f"Recommended: {settings}. This tree has {chosen['nodes']:,.0f} nodes, validation AUC "
            f"{chosen['validation_auc']:.4f} and test AUC {chosen['test_auc']:.4f}. The best "
            f"validation AUC is {best['validation_auc']:.4f} with {best['nodes']:,.0f} nodes. The "
            f"recommended tree is the smallest within one standard error "
            f"({best['standard_error']:.4f}) of it."
        )


@renamed_arguments(
    depths="max_depth", min_parents="min_samples_split", min_leaves="min_samples_leaf"
)
def grow_trees(
    data: Dataset,
    max_depth: Sequence[int] = MAX_DEPTH,
    min_samples_split: Sequence[int] = MIN_SAMPLES_SPLIT,
    min_samples_leaf: Sequence[int] = MIN_SAMPLES_LEAF,
    *,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
) -> Trees:
    """Grow one decision tree per combination of settings, and recommend one of them.

    Splits are chosen by entropy, as in S3. A ``min_samples_split`` below twice the
    ``min_samples_leaf`` has no effect, so such combinations share one tree. (The heat maps of S3
    are constant for another reason: its loops never use their variables, so every cell is the same
    tree.)

    With two classes, the AUC is that of the positive class. With more classes, it is the mean of
    the one-vs-rest AUCs.

    Args:
        data: a data set with a single input array. All axes but the first are flattened.
        max_depth: the values of ``max_depth``.
        min_samples_split: the smallest number of training samples in a node that is split.
        min_samples_leaf: the smallest number of training samples in a leaf.
        seed: seed that decides between splits of equal gain.
        jobs: number of trees grown in parallel. Default: the number of processors.
        progress: show a progress bar on standard error.

    Returns:
        The table of all trees. The recommended tree is the smallest within one standard error of
        the best validation AUC.

    Raises:
        ValueError: if the data set has several input arrays, if a split has no sample of a class,
            if a value of the grid is too small or repeated, or if ``jobs`` is below 1.
    """
    import joblib
    import pandas as pd

    grids = dict(zip(GRID, (max_depth, min_samples_split, min_samples_leaf), strict=True))
    _check_data(data)
    _check_grid(grids, jobs)
    arrays = {name: (_flatten(split), split.y) for name, split in data.splits.items()}
    points = list(itertools.product(max_depth, min_samples_split, min_samples_leaf))
    distinct = list(dict.fromkeys(map(_effective, points)))
    # Threads can share the data, because scikit-learn releases the GIL while it grows a tree.
    pool = joblib.Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator")
    grown: Iterable[dict[str, float]] = pool(
        joblib.delayed(_measure)(point, arrays, seed) for point in distinct
    )
    scores = {}
    with progress_bar(len(distinct), f"trees on {data.name}", "tree", show=progress) as bar:
        for point, measured in zip(distinct, grown, strict=True):
            scores[point] = measured
            bar.update()
    rows = [dict(zip(GRID, point, strict=True)) | scores[_effective(point)] for point in points]
    table = pd.DataFrame(rows)
    return Trees(data, table, _recommend(table, arrays, seed), seed)


def _check_data(data: Dataset) -> None:
    for name, split in data.splits.items():
        if not isinstance(split.x, np.ndarray):
            raise ValueError(f"Trees need a single input array, but {data.name} has several.")
        missing = set(range(len(data.class_names))) - set(split.y.tolist())
        if missing:
            classes = ", ".join(data.class_names[label] for label in sorted(missing))
            raise ValueError(
                f"The {name} split of {data.name} has no sample of {classes}, so its AUC is "
                "undefined. Use another split or more data."
            )


def _check_grid(grids: Mapping[str, Sequence[int]], jobs: int | None) -> None:
    smallest = dict(zip(GRID, (1, 2, 1), strict=True))
    for name, values in grids.items():
        minimum = smallest[name]
        valid = all(type(value) is int and value >= minimum for value in values)
        if not values or not valid or len(set(values)) < len(values):
            raise ValueError(
                f"{name} must be one or more different integers, each {minimum} or more; got "
                f"{list(values)}."
            )
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}.")


def _effective(point: Point) -> Point:
    """Settings that grow the same tree: scikit-learn applies the larger of the two limits."""
    max_depth, min_samples_split, min_samples_leaf = point
    return max_depth, max(min_samples_split, 2 * min_samples_leaf), min_samples_leaf


def _flatten(split: Split) -> np.ndarray:
    x = np.asarray(split.x)
    return x.reshape(len(x), -1).astype(np.float32)


def _grow(point: Point, arrays: Arrays, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    settings = dict(zip(GRID, point, strict=True))
    tree = DecisionTreeClassifier(criterion="entropy", random_state=seed, **settings)
    return tree.fit(*arrays["train"])


def _measure(point: Point, arrays: Arrays, seed: int) -> dict[str, float]:
    tree = _grow(point, arrays, seed)
    train_auc, _ = _auc(tree, *arrays["train"])
    validation_auc, standard_error = _auc(tree, *arrays["validation"])
    return {
        "nodes": int(tree.tree_.node_count),
        "train_auc": train_auc,
        "validation_auc": validation_auc,
        "standard_error": standard_error,
    }


def _auc(tree: Any, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the AUC and its standard error (Hanley and McNeil, Radiology 143, 29, 1982).

    With several classes, the error is the mean of the errors per class, which is an upper bound
    for the error of the mean AUC.
    """
    from kerasnets.evaluation.metrics import auroc_per_class

    areas = np.array(auroc_per_class(y, tree.predict_proba(x)), dtype=np.float64)
    labels = range(areas.size)
    if areas.size == 2:
        areas, labels = areas[1:], range(1, 2)
    errors = [_standard_error(area, y == label) for area, label in zip(areas, labels, strict=True)]
    return float(areas.mean()), float(np.mean(errors))


def _standard_error(area: float, positive: np.ndarray) -> float:
    positives = int(positive.sum())
    negatives = len(positive) - positives
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (one - area**2)
    variance += (negatives - 1) * (two - area**2)
    return float(np.sqrt(max(variance, 0.0) / (positives * negatives)))


def _recommend(table: pd.DataFrame, arrays: Arrays, seed: int) -> dict[str, float]:
    """The smallest tree within one standard error of the best AUC; if tied, the best of them."""
    best = table.iloc[table["validation_auc"].argmax()]
    close = table[table["validation_auc"] >= best["validation_auc"] - best["standard_error"]]
    order = close.sort_values(["nodes", "validation_auc"], ascending=[True, False], kind="stable")
    chosen = {str(name): value for name, value in order.to_dict("records")[0].items()}
    max_depth, min_samples_split, min_samples_leaf = (int(chosen[name]) for name in GRID)
    tree = _grow((max_depth, min_samples_split, min_samples_leaf), arrays, seed)
    return {**chosen, "test_auc": _auc(tree, *arrays["test"])[0]}
