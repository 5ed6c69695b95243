"""Random gains: in training only, seeded, one per channel and the same in every frame."""

from __future__ import annotations

import keras
import numpy as np

from kerasnets.nets.layers.random_gain import RandomGain

LOGS = np.random.default_rng(0).normal(size=(500, 3, 4)).astype("float32")


def gains(**arguments):
    return np.asarray(RandomGain(**arguments)(LOGS, training=True)) - LOGS


def test_inference_and_a_deviation_of_0_do_not_change_inputs():
    np.testing.assert_array_equal(RandomGain(2.0)(LOGS), LOGS)
    np.testing.assert_array_equal(RandomGain(0.0)(LOGS, training=True), LOGS)


def test_each_channel_has_its_own_gain_in_all_frames():
    found = gains(deviation=0.5, seed=1)
    np.testing.assert_allclose(found, np.repeat(found[:, :1], 3, axis=1), atol=1e-6)
    # With 2,000 samples, the standard errors are 1.6 % of the deviation and 0.011 for the mean.
    assert abs(found[:, 0].std() - 0.5) < 0.04
    assert abs(found[:, 0].mean()) < 0.05
    assert np.abs(np.corrcoef(found[:, 0].T) - np.eye(4)).max() < 0.2


def test_equal_seeds_return_equal_results_and_the_configuration_restores_the_layer():
    layer = RandomGain(0.3, seed=7, name="gain")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(LOGS, training=True), layer(LOGS, training=True))
    assert not np.array_equal(gains(deviation=0.3, seed=7), gains(deviation=0.3, seed=8))
