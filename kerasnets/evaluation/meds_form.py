"""Predictions in MEDS's form, which other tools compare and evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data import Dataset, Split, VisitSequences
from kerasnets.evaluation.outputs import second_class

if TYPE_CHECKING:
    import pyarrow as pa

_KEYS = ("subject_id", "prediction_time")


class Predictor(Protocol):
    """A trained net: a run, or a reference net."""

    @property
    def task(self) -> str:
        """What was learned."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class."""

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Metrics of each split."""

    def predict(self, x: Any) -> np.ndarray:
        """Probabilities for raw inputs."""

    def load_data(self) -> Dataset:
        """The data set that the net was trained on."""


def meds_predictions(
    run: Predictor, data: Dataset | Split | None = None, split: str = "test"
) -> pa.Table:
    """Predict for the labels of a MEDS task, as a table that ``meds-evaluation`` evaluates.

    Args:
        run: a run, or a reference net.
        data: a data set loaded with ``load_data("meds", …)``, ``"eicu"`` or ``"mimic3"``, or a
            split of it; by default the data set of the run.
        split: split of the data set to predict: ``"train"``, ``"validation"`` or ``"test"``.

    Returns:
        One row per label, with ``subject_id`` and ``prediction_time``. For two classes also
        ``boolean_value``, whether the label is the second class, ``predicted_boolean_value`` at the
        threshold of the run, and ``predicted_boolean_probability`` (float32). MEDS has no columns
        for more classes: there, ``categorical_value`` is the name of the label, ``prediction`` the
        name of the most probable class, and ``p(NAME)`` the probability of each class.

    Raises:
        ValueError: if the data have no subjects and prediction times, or the run does not classify.
    """
    if not isinstance(data, Split):
        data = run.load_data() if data is None else data
        if split not in data.splits:
            raise unknown_name("split", split, data.splits)
        data = data.splits[split]
    keys = _keys(data)
    if run.task not in ("classification", "binary"):
        raise ValueError(f"MEDS has predictions of classes; the run is a {run.task}.")
    return _predictions_table(run, keys, data.y, run.predict(data.x))


def has_meds_keys(split: Split) -> bool:
    """Whether the examples of a split have subjects and prediction times."""
    return isinstance(split.x, VisitSequences) and set(_KEYS) <= split.x.keys.keys()


def _keys(split: Split) -> dict[str, np.ndarray]:
    """``subject_id`` and ``prediction_time`` of each example.

    Raises:
        ValueError: if the data do not have them.
    """
    keys = split.x.keys if isinstance(split.x, VisitSequences) else {}
    if not set(_KEYS) <= keys.keys():
        raise ValueError(
            "Predictions in MEDS's form need subjects and prediction times, which the data sets "
            "meds, eicu and mimic3 have."
        )
    return {name: keys[name] for name in _KEYS}


def _predictions_table(
    run: Predictor, keys: dict[str, np.ndarray], y: np.ndarray, predictions: np.ndarray
) -> pa.Table:
    import pyarrow as pa
    from meds.schema import LabelSchema

    names = run.class_names
    if len(names) == 2:
        probability = second_class(predictions)
        threshold = run.metrics["test"].get("threshold", 0.5)
        table = pa.table({**keys, "boolean_value": y == 1})
        LabelSchema.validate(table)
        added = {
            "predicted_boolean_value": probability >= threshold,
            "predicted_boolean_probability": probability.astype(np.float32),
        }
    else:
        table = pa.table({**keys, "categorical_value": [names[label] for label in y]})
        LabelSchema.validate(table)
        added = {
            "prediction": np.array(names)[predictions.argmax(axis=1)],
            **{f"p({name})": predictions[:, place] for place, name in enumerate(names)},
        }
    for name, values in added.items():
        table = table.append_column(name, pa.array(values))
    return table
