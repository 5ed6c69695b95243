"""Callbacks, on a real small model."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.training.callbacks import EpochRandomness, StopOnNaN, TrainingDivergedError


def small_model(learning_rate=0.01):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    return model


def test_the_first_step_that_is_not_finite_is_named():
    x, y = np.ones((40, 3), "float32"), np.ones((40, 1), "float32")
    y[23] = np.nan  # the third batch of ten
    with pytest.raises(TrainingDivergedError, match="loss is nan at step 3 of epoch 1"):
        small_model().fit(x, y, batch_size=10, shuffle=False, callbacks=[StopOnNaN()], verbose=0)


def test_a_learning_rate_that_blows_up_is_stopped_in_its_epoch():
    x, y = np.full((40, 3), 10, "float32"), np.ones((40, 1), "float32")
    with pytest.raises(TrainingDivergedError, match=r"loss is (inf|nan) at step \d+ of epoch \d+"):
        small_model(1e6).fit(x, y, batch_size=10, epochs=9, callbacks=[StopOnNaN()], verbose=0)


def test_a_finite_loss_is_left_alone():
    x, y = np.ones((40, 3), "float32"), np.ones((40, 1), "float32")
    history = small_model().fit(x, y, epochs=2, callbacks=[StopOnNaN()], verbose=0)
    assert len(history.history["loss"]) == 2


def test_dropout_of_an_epoch_depends_on_seed_and_epoch_alone():
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
