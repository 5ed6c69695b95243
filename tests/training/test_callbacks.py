"""Random layers depend only on the seed and the epoch."""

from __future__ import annotations

import keras
import numpy as np

from kerasnets.training.callbacks import EpochRandomness, epoch_line


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


def test_the_line_of_an_epoch_has_at_most_80_characters():
    logs = {"accuracy": 0.94321, "loss": 0.12344, "val_accuracy": 0.9, "val_loss": 12345.678}
    line = epoch_line(99, 100, logs)
    assert line == ("epoch 100/100  loss 0.1234 accuracy 0.9432  val loss 12346 accuracy 0.9000")
    logs |= {"loss": 1e7, "val_loss": 123.456, "log_loss": 0.1, "val_log_loss": 0.2}
    line = epoch_line(0, 1000, logs)
    assert line == "epoch    1/1000  loss 0.1000 accuracy 0.9432  val loss 0.2000 accuracy 0.9000"
    assert len(line) <= 80
