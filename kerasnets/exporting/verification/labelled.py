"""Accuracy and AUROC of each runtime on labelled examples: they must be Keras's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]
Metrics = dict[str, float | None]
# A swap of two examples that float32 holds for equal moves an area by less than this.
_AREA = 1e-5


class Labelled(Protocol):
    """Examples with labels, as a ``Split`` of a data set is."""

    @property
    def x(self) -> Any:
        """An array, arrays by input name, or what makes them with ``dense()``."""

    @property
    def y(self) -> np.ndarray:
        """Class labels from 0, shape ``(n,)``."""


def input_arrays(names: Sequence[str], test: Labelled) -> Arrays:
    """The examples by input name, as float32 where they are of floats.

    Args:
        names: of the inputs of the net.
        test: the examples.

    Raises:
        ValueError: they do not fit the names, or there are none.
    """
    x = test.x.dense() if hasattr(test.x, "dense") else test.x
    arrays = dict(x) if isinstance(x, Mapping) else {names[0]: np.asarray(x)}
    if set(arrays) != set(names) or not len(test.y):
        raise ValueError(
            f"test holds {len(test.y)} examples of {sorted(arrays)}; the net takes {sorted(names)}."
        )
    return {
        name: array.astype("float32") if array.dtype.kind == "f" else array
        for name, array in arrays.items()
    }


def read_labelled(folder: Path, test: Labelled) -> tuple[Arrays, np.ndarray]:
    """Inputs and labels for the net of a version folder.

    Raises:
        ValueError: the net is no classifier, or the examples do not fit it.
    """
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    if "probabilities" not in [tensor["name"] for tensor in card["outputs"]]:
        raise ValueError("test is for classifiers; this net gives no probabilities.")
    arrays = input_arrays([tensor["name"] for tensor in card["inputs"]], test)
    types = {tensor["name"]: tensor["dtype"] for tensor in card["inputs"]}
    return {name: array.astype(types[name]) for name, array in arrays.items()}, np.asarray(test.y)


def most_probable(probabilities: np.ndarray) -> np.ndarray:
    """The class of each row; one column is the probability of the second of two classes."""
    if probabilities.shape[1] == 1:
        return (probabilities[:, 0] > 0.5).astype(int)
    return probabilities.argmax(axis=1)


def measure(path: Path, labels: np.ndarray) -> dict[str, Metrics]:
    """Accuracy and AUROC by runtime, from the outputs the verifying process wrote.

    AUROC is the mean over classes of one against the rest; ``None`` where no class has both.
    """
    from kerasnets.evaluation.metrics import auroc_per_class

    metrics: dict[str, Metrics] = {}
    with np.load(path) as outputs:
        for name in outputs.files:
            runtime, output = name.split("/", 1)
            if output != "probabilities":
                continue
            given = outputs[name]
            both = given if given.shape[1] > 1 else np.hstack([1 - given, given])
            areas = [area for area in auroc_per_class(labels, both) if area is not None]
            metrics[runtime] = {
                "accuracy": float((most_probable(given) == labels).mean()),
                "auroc": float(np.mean(areas)) if areas else None,
            }
    return metrics


def metric_failures(metrics: Mapping[str, Metrics]) -> Iterator[str]:
    """Which runtimes are better or worse than Keras."""
    if not metrics:
        return
    name = "keras" if "keras" in metrics else next(iter(metrics))
    for runtime, found in metrics.items():
        accuracy, expected = found["accuracy"], metrics[name]["accuracy"]
        if accuracy != expected:
            yield f"{runtime}: accuracy on the test split is {accuracy}, of {name} {expected}"
        area, wanted = found["auroc"], metrics[name]["auroc"]
        if area is not None and wanted is not None and abs(area - wanted) > _AREA:
            yield f"{runtime}: AUROC on the test split is {area}, of {name} {wanted}"
