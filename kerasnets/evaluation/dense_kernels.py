"""The weight matrices of small dense networks, for the figure of them."""

from __future__ import annotations

import numpy as np

from kerasnets._lazy import keras

_MAX_UNITS = 40  # inputs or units of a layer


def can_draw_weights(model: keras.Model) -> bool:
    """Whether a model is a stack of dense layers small enough to draw their weights."""
    ignored = keras.layers.InputLayer, keras.layers.Normalization, keras.layers.Dropout
    layers = [layer for layer in model.layers if not isinstance(layer, ignored)]
    return all(
        isinstance(layer, keras.layers.Dense) and max(layer.kernel.shape) <= _MAX_UNITS
        for layer in layers
    )


def dense_kernels(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weight matrix of each dense layer of a model, by name of the layer."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    return {layer.name: np.asarray(layer.kernel) for layer in layers}
