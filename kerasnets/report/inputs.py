"""How a reader of the page enters inputs: the editor, its fields, and simulated samples.

Nothing here holds a row of a data set. Ranges come from the statistics of the training split that
the net itself contains, and samples are simulated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data import list_datasets, load_data
from kerasnets.engine.sources import as_source
from kerasnets.exporting.samples import coarse

# A table has a field per column up to this number; more columns of an unnamed input are a signal.
_MOST_FIELDS = 40
_MOST_CHANNELS = 16
_SAMPLES = 5
# What keeps a simulated data set small. A net that takes windows also needs their length.
_SMALL = {"seizure-simulated": {"recordings_per_class": 3}}


@dataclass(frozen=True)
class Fields:
    """What is known about the columns of the inputs.

    Attributes:
        names: one name per column of a table; empty if unknown.
        codebook: how text columns were encoded; empty for other data.
        vocabulary: one name per code of visits; empty if unknown.
    """

    names: tuple[str, ...] = ()
    codebook: Sequence[Mapping[str, Any]] = ()
    vocabulary: tuple[str, ...] = ()


def make_editor(
    card: Mapping[str, Any],
    examples: Mapping[str, np.ndarray],
    fields: Fields,
    model: keras.Model | None,
) -> dict[str, Any]:
    """Choose the editor of the inputs.

    Args:
        card: the card of the exported net.
        examples: inputs from ``reference.npz``, which are random, by name.
        fields: what is known about the columns.
        model: the Keras model, if there is one.

    Returns:
        ``kind``: ``"image"`` to draw or open an image, ``"signal"``, ``"visits"``, ``"table"``, or
        ``"tensor"`` for any other inputs, as JSON; and the settings of this editor.
    """
    inputs = [tensor for tensor in card["inputs"] if not _is_length(tensor)]
    if len(inputs) != 1 or not inputs[0]["dtype"].startswith(("float", "int")):
        return {"kind": "tensor"}
    (tensor,) = inputs
    has_length = len(card["inputs"]) > 1
    shape, values = tensor["shape"][1:], examples[tensor["name"]]
    editor: dict[str, Any] = {"kind": "tensor", "input": tensor["name"], "length": has_length}
    if len(shape) == 3 and None not in shape and shape[2] in (1, 3) and not has_length:
        editor |= {"kind": "image", "size": shape, "white": _white(card["input_units"], values)}
    elif len(shape) == 2 and has_length and np.isin(values, (0, 1)).all():
        editor |= {"kind": "visits", "codes": shape[1], "vocabulary": list(fields.vocabulary)}
    elif len(shape) == 1 and not has_length and _is_table(tensor, fields):
        editor |= {"kind": "table", "fields": table_fields(shape[0], fields, model)}
    elif len(shape) == 1 or (len(shape) == 2 and (shape[1] or 0) in range(1, _MOST_CHANNELS + 1)):
        editor |= {"kind": "signal", "steps": shape[0], "channels": (*shape, 1)[1]}
        editor["min_steps"] = card.get("min_steps") or 1
    return editor


def _is_length(tensor: Mapping[str, Any]) -> bool:
    return tensor["name"] == "length" and len(tensor["shape"]) == 1


def _is_table(tensor: Mapping[str, Any], fields: Fields) -> bool:
    columns = tensor["shape"][1]
    return columns is not None and (len(fields.names) == columns or columns <= _MOST_FIELDS)


def _white(units: str, values: np.ndarray) -> float:
    """The value of a white pixel."""
    largest = float(values.max(initial=0))
    return 255.0 if "255" in units or largest > 16 else 16.0 if largest > 1 else 1.0


def table_fields(columns: int, fields: Fields, model: keras.Model | None) -> list[dict[str, Any]]:
    """Describe the field of each column of a table.

    Args:
        columns: number of columns.
        fields: what is known about them.
        model: the model; a ``Normalization`` layer in it holds mean and variance of each column.

    Returns:
        Per column ``name``, ``kind`` (``"number"``, ``"flag"`` for 0 and 1, ``"category"`` or
        ``"date"``), ``value`` to start with, and ``low`` and ``high`` of a usual value. A category
        has ``categories``, the first of which is coded as 1; a date has ``origin``, which is day 0.
    """
    names = fields.names or tuple(f"feature {number}" for number in range(1, columns + 1))
    means, variances = _moments(model, columns)
    codebook = fields.codebook if len(fields.codebook) == columns else [{}] * columns
    return [_field(*column) for column in zip(names, means, variances, codebook, strict=True)]


def _field(name: str, mean: float, variance: float, coded: Mapping[str, Any]) -> dict[str, Any]:
    kind, spread = coded.get("kind", "number"), math.sqrt(variance)
    low, high = coarse(mean - 3 * spread, np.floor), coarse(mean + 3 * spread, np.ceil)
    field: dict[str, Any] = {"name": name, "kind": kind, "value": _rounded(mean)}
    if kind == "category":
        return field | {"value": round(mean), "categories": list(coded["categories"])}
    # The variance of a column of zeros and ones with mean p is p (1 − p).
    if 0 < mean < 1 and math.isclose(variance, mean * (1 - mean), rel_tol=1e-3):
        return field | {"kind": "flag", "value": round(mean)}
    if kind == "date":
        field |= {"origin": coded["origin"], "value": round(mean)}
    return field | {"low": low, "high": high}


def _moments(model: keras.Model | None, columns: int) -> tuple[list[float], list[float]]:
    """Mean and variance of each column on the training split; 0 and 1 if they are unknown."""
    for layer in model.layers if model is not None else ():
        if isinstance(layer, keras.layers.Normalization) and not layer.invert:
            mean, variance = (
                np.asarray(x, np.float64).ravel() for x in (layer.mean, layer.variance)
            )
            if len(mean) == len(variance) == columns:
                return mean.tolist(), variance.tolist()
    return [0.0] * columns, [1.0] * columns


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def simulated_samples(
    card: Mapping[str, Any], editor: Mapping[str, Any], options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Simulated inputs of a net, one or two per class, from the simulated data set of its kind.

    Args:
        card: the card of the exported net, whose provenance names the data set.
        editor: from :func:`make_editor`.
        options: options of the data set.

    Returns:
        Per sample its ``label``, and ``values``: nested lists of one input without padding. Empty
        if there is no simulated data set of the kind, or its inputs do not fit the net.
    """
    recorded = Path(card["provenance"].get("data", "")).name
    is_same = recorded.endswith("-simulated")
    name = recorded if is_same else f"{recorded}-simulated"
    if name not in list_datasets() or editor["kind"] == "tensor":
        return []
    # With other options, the same simulated data set may have other columns.
    wanted: dict[str, Any] = dict(options if is_same else _SMALL.get(name, {}))
    if editor["kind"] == "signal" and editor["steps"]:
        wanted["samples"] = editor["steps"]
    if "classes" in options:
        wanted["classes"] = options["classes"]
    try:
        data = load_data(name, **wanted)
    except ValueError:
        return []  # for example, there is no option for the length of a signal
    return _fitting_samples(data, card, editor)


def _fitting_samples(
    data: Any, card: Mapping[str, Any], editor: Mapping[str, Any]
) -> list[dict[str, Any]]:
    y = np.asarray(data.test.y)
    labels = range(len(data.class_names)) if y.ndim == 1 and data.class_names else ()
    rows = [int(np.flatnonzero(y == label)[0]) for label in labels if (y == label).any()]
    rows = rows or list(range(min(_SAMPLES, len(y))))
    taken = as_source(data.test.x).take(np.array(rows))
    arrays = dict(taken) if isinstance(taken, dict) else {"x": taken}
    lengths = arrays.pop("length", None)
    (shape,) = (t["shape"] for t in card["inputs"] if t["name"] == editor["input"])
    (values,) = arrays.values()
    if values.ndim != len(shape):
        return []
    if any(a not in (None, b) for a, b in zip(shape[1:], values.shape[1:], strict=True)):
        return []
    lengths = np.full(len(rows), values.shape[1]) if lengths is None else lengths
    return [
        {
            "label": data.class_names[y[row]] if labels else f"sample {number}",
            "values": value[: int(length)].tolist(),
        }
        for number, (row, value, length) in enumerate(zip(rows, values, lengths, strict=True), 1)
    ]
