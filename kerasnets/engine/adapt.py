"""Arguments of ``keras.Model.fit`` as a source, checked and cast by Keras itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.engine.sources import ArraySource, Examples, Source


def make_source(
    x: Any, y: Any = None, weights: Any = None, class_weight: Mapping[int, float] | None = None
) -> Source:
    """Return a source of the batches that ``model.fit`` would make of its arguments.

    Args:
        x: a source, or what ``keras.Model.fit`` takes as arrays.
        y: targets, or ``None``.
        weights: sample weights, or ``None``.
        class_weight: weight per class, instead of sample weights.

    Raises:
        ValueError: as ``keras.Model.fit``, if lengths or structures do not fit.
    """
    if isinstance(x, Source):
        labels = _adapted(np.zeros((len(x), 0)), y, weights, class_weight)
        return x if y is None else Examples(x, *labels[1:])
    return ArraySource(_adapted(x, y, weights, class_weight))


def _adapted(x: Any, y: Any, weights: Any, class_weight: Any) -> Any:
    """The arrays as Keras checks, casts and packs them."""
    from keras.src.trainers.data_adapters import array_slicing
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    adapter = ArrayDataAdapter(x, y, sample_weight=weights, class_weight=class_weight)
    arrays = array_slicing.convert_to_sliceable(adapter._inputs, target_backend="tensorflow")
    return keras.tree.lists_to_tuples(arrays)


def build(model: keras.Model, source: Source) -> None:
    """Create the variables of model, loss, metrics and optimizer, which no loop can create."""
    symbols = keras.tree.map_structure(
        lambda spec: None if spec is None else keras.KerasTensor(spec.shape, spec.dtype.name),
        source.batch_spec(),
    )
    model._symbolic_build(data_batch=symbols)
