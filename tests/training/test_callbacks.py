"""Random layers depend only on the seed and the epoch."""

from __future__ import annotations

import keras
import numpy as np

from kerasnets.training.callbacks import EpochRandomness


def small_model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_the_dropout_masks_of_an_epoch_depend_only_on_seed_and_epoch():
    x = np.ones((8, 3), "float32")

    def masks(seed, epoch, draws_before=0):
        model = small_model()
        callback = EpochRandomness(seed)
        callback.set_model(model)
        for _ in range(draws_before):
            model(x, training=True)
        callback.on_epoch_begin(epoch)
        return np.asarray(model.layers[0](x, training=True))

    np.testing.assert_array_equal(masks(0, 3), masks(0, 3, draws_before=5))
    assert not np.array_equal(masks(0, 3), masks(0, 4))
    assert not np.array_equal(masks(0, 3), masks(1, 3))
