"""The model in ``keras-3.15.keras``, which plain Keras 3.15 saved.

To write the file again, with Keras 3.15: ``python -m tests.nets.saved_by_newer_keras``.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import numpy as np

FILE = Path(__file__).with_name("keras-3.15.keras")
CODES = np.array([[3, 5, 9, 0], [7, 7, 1, 3]], "int64")


def build() -> keras.Model:
    """A compiled model with layers and a metric that have got arguments since Keras 3.11."""
    codes = keras.Input((4,), dtype="int64", name="codes")
    x = keras.layers.IntegerLookup(vocabulary=[3, 5, 7], name="lookup")(codes)
    x = keras.layers.Embedding(5, 4, name="embedding")(x)
    x = keras.layers.MultiHeadAttention(2, 2, name="attention")(x, x)
    x = keras.layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d", name="einsum")(x)
    x = keras.layers.Conv1D(3, 2, name="convolution")(x)
    x = keras.layers.BatchNormalization(name="normalization")(x)
    x = keras.layers.Bidirectional(keras.layers.GRU(2), name="gru")(x)
    model = keras.Model(codes, keras.layers.Dense(2, name="logits")(x))
    for number, weight in enumerate(model.weights):  # the same weights whatever Keras draws
        values = 0.2 + np.cos(number + np.arange(np.prod(weight.shape))) / 10
        weight.assign(values.reshape(weight.shape))
    metric = keras.metrics.SparseCategoricalCrossentropy(from_logits=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=[metric])
    model.optimizer.build(model.trainable_variables)
    return model


def write() -> None:
    """Save the model, and compress the file."""
    saved = FILE.with_suffix(".saved.keras")
    build().save(saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(FILE, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    saved.unlink()


if __name__ == "__main__":
    write()
