"""Convert the data arguments of ``keras.Model.fit`` to a source, with Keras's own checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.engine.sources import ArraySource, Examples, Source


def make_source(
    x: Any, y: Any = None, weights: Any = None, class_weight: Mapping[int, float] | None = None
) -> Source:
    """Return a source with the batches that ``model.fit`` would make from the same arguments.

    Args:
        x: a source, or any arrays that ``keras.Model.fit`` takes.
        y: targets, or ``None``.
        weights: sample weights, or ``None``.
        class_weight: weight per class, instead of sample weights.

    Raises:
        ValueError: if lengths or structures do not match, as in ``keras.Model.fit``.
    """
    if isinstance(x, Source):
        labels = _adapted(np.zeros((len(x), 0)), y, weights, class_weight)
        return x if y is None else Examples(x, *labels[1:])
    return ArraySource(_adapted(x, y, weights, class_weight))


def _adapted(x: Any, y: Any, weights: Any, class_weight: Any) -> Any:
    """Let Keras check, cast and pack the arrays."""
    from keras.src.trainers.data_adapters import array_slicing
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    adapter = ArrayDataAdapter(x, y, sample_weight=weights, class_weight=class_weight)
    arrays = array_slicing.convert_to_sliceable(adapter._inputs, target_backend="tensorflow")
    return keras.tree.lists_to_tuples(arrays)


def build(model: keras.Model, source: Source) -> None:
    """Create the variables of model, loss, metrics and optimizer before the loop is compiled.

    Variables cannot be created inside a compiled loop.
    """
    symbols = keras.tree.map_structure(
        lambda spec: None if spec is None else keras.KerasTensor(spec.shape, spec.dtype.name),
        source.batch_spec(),
    )
    model._symbolic_build(data_batch=symbols)
