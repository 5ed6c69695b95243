"""Random shift, scale and reversal: in training only, seeded, within their bounds."""

from __future__ import annotations

import keras
import numpy as np

from kerasnets.nets.layers.random_signal import RandomSignal

RAMP = np.arange(1, 41, dtype="float32")[None]  # all samples are different


def many(layer, times=300):
    return np.asarray(layer(np.repeat(RAMP, times, axis=0), training=True))


def test_inference_and_amounts_of_0_do_not_change_signals():
    signals = np.random.default_rng(0).normal(size=(3, 40)).astype("float32")
    np.testing.assert_array_equal(RandomSignal(9, 1, True)(signals), signals)
    np.testing.assert_array_equal(RandomSignal()(signals, training=True), signals)


def test_a_shifted_signal_is_continued_by_its_reflection():
    padded = np.pad(RAMP[0], 5, mode="reflect")
    shifted = [padded[start : start + 40] for start in range(11)]
    seen = {tuple(signal) for signal in many(RandomSignal(shift=5, seed=1))}
    assert seen == {tuple(signal) for signal in shifted}


def test_about_half_of_the_signals_are_reversed():
    backwards = (many(RandomSignal(reverse=True, seed=2)) == RAMP[:, ::-1]).all(axis=1)
    forwards = (many(RandomSignal(reverse=True, seed=2)) == RAMP).all(axis=1)
    assert (backwards ^ forwards).all()
    assert 1 / 3 < backwards.mean() < 2 / 3


def test_each_signal_is_scaled_by_one_factor_within_the_bounds():
    factors = many(RandomSignal(scale=0.5, seed=3)) / RAMP
    np.testing.assert_allclose(factors, np.repeat(factors[:, :1], 40, axis=1), rtol=1e-6)
    assert np.exp(-0.5) <= factors.min() < 0.65
    assert 1.55 < factors.max() <= np.exp(0.5)


def test_equal_seeds_return_equal_results():
    first, again, other = (many(RandomSignal(9, 0.2, seed=seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_configuration_restores_the_layer():
    layer = RandomSignal(3, 0.1, True, seed=7, name="augment")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(many(again), many(layer))
