"""Decision trees over maximum depth × minimum parent × minimum leaf (S3)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from kerasnets.data.dataset import Dataset, Split
from kerasnets.evaluation.metrics import auroc_per_class

if TYPE_CHECKING:
    import pandas as pd

DEPTHS = (5, 10, 15, 20, 25)
MIN_PARENTS = (2, 4, 8, 16, 32, 64, 128)
MIN_LEAVES = (1, 2, 4, 8, 16, 32, 64)
GRID = ["depth", "min_parent", "min_leaf"]


@dataclass(frozen=True)
class Trees:
    """What the trees of a grid came to.

    Attributes:
        data: the data set they were grown on.
        table: a row for each point of the grid, in its order: ``depth``, ``min_parent``,
            ``min_leaf``, ``nodes``, ``train_auc``, ``validation_auc``, ``standard_error`` of the
            latter.
        recommended: the point of the grid to take, as a row of the table, with ``test_auc``.
        seed: decides between splits of equal gain.
    """

    data: Dataset
    table: pd.DataFrame
    recommended: dict[str, float]
    seed: int

    @property
    def text(self) -> str:
        """The recommendation and its reason, in words."""
        best = self.table.iloc[self.table["validation_auc"].argmax()]
        chosen = self.recommended
        return (
            f"Take max depth {chosen['depth']:.0f}, min parent {chosen['min_parent']:.0f}, min "
            f"leaf {chosen['min_leaf']:.0f}: {chosen['nodes']:,.0f} nodes, AUC "
            f"{chosen['validation_auc']:.4f} in validation and {chosen['test_auc']:.4f} in the "
            f"test. The best in validation is {best['validation_auc']:.4f} with "
            f"{best['nodes']:,.0f} nodes; of the trees within one standard error of it "
            f"({best['standard_error']:.4f}) this is the smallest."
        )


def grow_trees(
    data: Dataset,
    depths: Sequence[int] = DEPTHS,
    min_parents: Sequence[int] = MIN_PARENTS,
    min_leaves: Sequence[int] = MIN_LEAVES,
    *,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
) -> Trees:
    """Grow a tree for every combination, and recommend one.

    Splits are chosen by entropy, as in S3. A node is only divided if it has ``min_parent``
    training examples and leaves ``min_leaf`` on both sides, so a min parent below twice the min
    leaf changes nothing: such combinations share one tree. (S3's heat maps are constant for
    another reason: its loops grow the same tree every time, since they never use their
    variables.)

    The AUC is that of the positive class, or with more than two classes the mean over the classes
    against the rest.

    Args:
        data: a data set with one array of inputs; further axes are flattened.
        depths: the largest depths.
        min_parents: the smallest numbers of examples of a node to divide.
        min_leaves: the smallest numbers of examples of a leaf.
        seed: decides between splits of equal gain.
        jobs: trees grown at a time; as many as there are processors by default.
        progress: whether to show a bar on standard error.

    Returns:
        The grid with nodes and AUC, and the smallest tree within one standard error of the best
        validation AUC.

    Raises:
        ValueError: if the inputs are several arrays, a class is missing in a split, or a number
            of the grid is too small or there twice.
    """
    import joblib
    import pandas as pd

    _check(data, depths, min_parents, min_leaves, jobs)
    parts = {name: (_flat(split), split.y) for name, split in data.splits.items()}
    grid = list(itertools.product(depths, min_parents, min_leaves))
    # What a combination comes to; scikit-learn takes the larger of the two just the same.
    different = list(dict.fromkeys(map(_effective, grid)))
    # Threads share the data, and scikit-learn grows trees without Python's lock.
    pool = joblib.Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator")
    grown: Iterable[dict[str, float]] = pool(
        joblib.delayed(_measure)(point, parts, seed) for point in different
    )
    bar = tqdm(grown, "trees", len(different), unit="tree", disable=None if progress else True)
    by_point = dict(zip(different, bar, strict=True))
    rows = [dict(zip(GRID, point, strict=True)) | by_point[_effective(point)] for point in grid]
    table = pd.DataFrame(rows)
    return Trees(data, table, _recommend(table, parts, seed), seed)


def _check(
    data: Dataset,
    depths: Sequence[int],
    min_parents: Sequence[int],
    min_leaves: Sequence[int],
    jobs: int | None,
) -> None:
    for name, split in data.splits.items():
        if not isinstance(split.x, np.ndarray):
            raise ValueError(f"Trees need one array of inputs; {data.name} has several.")
        missing = set(range(len(data.class_names))) - set(split.y.tolist())
        if missing:
            absent = ", ".join(data.class_names[label] for label in sorted(missing))
            raise ValueError(f"The {name} split of {data.name} has no {absent}: no AUC to measure.")
    sizes = {"depths": (depths, 1), "min_parents": (min_parents, 2), "min_leaves": (min_leaves, 1)}
    for what, (values, least) in sizes.items():
        whole = all(type(value) is int and value >= least for value in values)
        if not values or not whole or len(set(values)) < len(values):
            raise ValueError(
                f"{what} must be different whole numbers of {least} or more, got {list(values)}."
            )
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}.")


def _effective(point: tuple[int, int, int]) -> tuple[int, int, int]:
    depth, min_parent, min_leaf = point
    return depth, max(min_parent, 2 * min_leaf), min_leaf


def _flat(split: Split) -> np.ndarray:
    x = np.asarray(split.x)
    return x.reshape(len(x), -1).astype(np.float32)


def _grow(
    point: tuple[int, int, int], parts: dict[str, tuple[np.ndarray, np.ndarray]], seed: int
) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    depth, min_parent, min_leaf = point
    tree = DecisionTreeClassifier(
        criterion="entropy",
        max_depth=depth,
        min_samples_split=min_parent,
        min_samples_leaf=min_leaf,
        random_state=seed,
    )
    return tree.fit(*parts["train"])


def _measure(
    point: tuple[int, int, int], parts: dict[str, tuple[np.ndarray, np.ndarray]], seed: int
) -> dict[str, float]:
    tree = _grow(point, parts, seed)
    areas = {name: _auc(tree, *parts[name]) for name in ("train", "validation")}
    return {
        "nodes": int(tree.tree_.node_count),
        "train_auc": areas["train"][0],
        "validation_auc": areas["validation"][0],
        "standard_error": areas["validation"][1],
    }


def _auc(tree: Any, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The AUC and its standard error after Hanley and McNeil, Radiology 143, 29 (1982).

    Over several classes the mean of their errors, which is no less than the error of their mean.
    """
    probabilities = tree.predict_proba(x)
    areas = np.array(auroc_per_class(y, probabilities), dtype=np.float64)
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


def _recommend(
    table: pd.DataFrame, parts: dict[str, tuple[np.ndarray, np.ndarray]], seed: int
) -> dict[str, float]:
    """The smallest tree within one standard error of the best; the better of equally small ones."""
    best = table.iloc[table["validation_auc"].argmax()]
    close = table[table["validation_auc"] >= best["validation_auc"] - best["standard_error"]]
    order = close.sort_values(["nodes", "validation_auc"], ascending=[True, False], kind="stable")
    chosen = {str(name): value for name, value in order.to_dict("records")[0].items()}
    depth, min_parent, min_leaf = (int(chosen[name]) for name in GRID)
    tree = _grow((depth, min_parent, min_leaf), parts, seed)
    return {**chosen, "test_auc": _auc(tree, *parts["test"])[0]}
