"""The loss for targets of different units."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.nets.losses import StandardizedSquaredError

RNG = np.random.default_rng(0)
PREDICTED = RNG.normal(size=(7, 2)).astype("float32")
TRUE = (RNG.normal(size=(7, 2)) * [1, 30]).astype("float32")


def test_errors_are_divided_by_the_variance_of_their_target():
    expected = np.mean((PREDICTED - TRUE) ** 2 / np.array([1.5, 900]))
    loss = StandardizedSquaredError([1.5, 900])(TRUE, PREDICTED)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_the_loss_of_the_mean_is_1():
    mean = np.broadcast_to(TRUE.mean(axis=0), TRUE.shape)
    loss = StandardizedSquaredError(TRUE.var(axis=0))(TRUE, mean)
    assert float(loss) == pytest.approx(1, rel=1e-5)


def test_flat_targets_have_the_shape_of_the_predictions():
    loss = StandardizedSquaredError([4.0])
    np.testing.assert_allclose(
        loss(TRUE[:, 0], PREDICTED[:, :1]), loss(TRUE[:, :1], PREDICTED[:, :1])
    )


def test_the_configuration_restores_the_loss():
    loss = StandardizedSquaredError([2, 3], name="error")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert again.variance == [2.0, 3.0]
