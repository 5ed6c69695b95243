"""The eight statistics compared with SciPy, and on signals without variance."""

from __future__ import annotations

import numpy as np
import scipy.stats

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.nets.layers.signal_statistics import COUNT, SignalStatistics


def test_the_statistics_agree_with_scipy():
    x = np.random.default_rng(0).gamma(2, 30, size=(5, 178)).astype("float32")
    steep, bent = (np.abs(np.diff(x, order)) for order in (1, 2))
    expected = [
        x.mean(1),
        np.log(x.var(1)),
        scipy.stats.skew(x, axis=1),
        scipy.stats.kurtosis(x, axis=1, fisher=False),
        np.log(steep.mean(1)),
        np.log(steep.max(1)),
        np.log(bent.mean(1)),
        np.log(bent.max(1)),
    ]
    # The floor of 0.1 is a few thousandths of the smallest of these values.
    np.testing.assert_allclose(SignalStatistics()(x), np.stack(expected, 1), rtol=0.005, atol=0.005)


def test_statistics_of_constant_and_extreme_signals_are_finite():
    flat = np.stack([np.zeros(178), np.full(178, 7), np.resize([-32768, 32767], 178)])
    found = np.asarray(SignalStatistics()(flat.astype("float32")))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[1], [7, np.log(0.1), 0, 0, *[np.log(0.1)] * 4], rtol=1e-5)


def test_all_its_operations_are_counted():
    signal = keras.Input((178,))
    numbers = SignalStatistics()(signal)
    assert numbers.shape == (None, COUNT)
    cost = kn.profile(keras.Model(signal, numbers))
    assert not cost.unsupported
    assert cost.params == 0
    # At least, per sample: sum, subtract the mean, square, and two differences with their sizes.
    assert 178 * 7 < cost.flops < 178 * 40
