"""Count the parameters, MACs and FLOPs of a Keras model.

Usage: python scripts/count.py
"""

import keras

import kerasnets as kn

# A net of the catalogue with other widths.
print(kn.profile(kn.build("seizure-gru", units=32)))

# Any Keras 3 model. The convention defines what counts as one operation.
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(8, 5, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ],
    name="mine",
)
cost = kn.profile(model, convention="macs")
print(f"{model.name}: {cost.params:,} parameters, {cost.macs:,} MACs")
