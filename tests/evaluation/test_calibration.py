"""kerasnets.evaluation.calibration: the temperature is found and applied to the last layer."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.evaluation.calibration import fit_temperature, scale_logits


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("classes", [2, 5])
def test_a_known_temperature_is_found(temperature, classes):
    rng = np.random.default_rng(0)
    calibrated = rng.normal(0, 2, (20_000, classes))
    gumbel = rng.gumbel(size=calibrated.shape)  # argmax of logits + Gumbel noise draws from softmax
    y = (calibrated + gumbel).argmax(axis=1)
    assert fit_temperature(calibrated * temperature, y) == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_has_a_smaller_loss():
    rng = np.random.default_rng(1)
    logits, y = rng.normal(0, 3, (50, 3)), rng.integers(0, 3, 50)

    def loss(temperature):
        scaled = logits / temperature
        return (np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(50), y]).mean()

    best = fit_temperature(logits, y)
    assert all(loss(best) <= loss(other) + 1e-12 for other in np.geomspace(0.06, 19, 500))


def test_a_single_logit_belongs_to_the_second_class():
    rng = np.random.default_rng(2)
    logits, y = rng.normal(0, 3, (200, 2)), rng.integers(0, 2, 200)
    single = logits[:, 1:] - logits[:, :1]
    assert fit_temperature(single, y) == pytest.approx(fit_temperature(logits, y), rel=1e-6)


def test_logits_are_divided_in_the_last_layer():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, "tanh")(inputs)
    net = keras.Model(inputs, keras.layers.Dense(2, name="logits", bias_initializer="ones")(hidden))
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    before, layers = np.asarray(net(x)), len(net.layers)
    scale_logits(net, 2.5)
    np.testing.assert_allclose(net(x), before / 2.5, rtol=1e-5)
    assert len(net.layers) == layers


def test_a_last_layer_with_an_activation_is_refused():
    inputs = keras.Input((4,))
    net = keras.Model(inputs, keras.layers.Dense(2, "softmax", name="p")(inputs), name="mine")
    with pytest.raises(ValueError, match="The last layer of mine is Dense 'p'"):
        scale_logits(net, 2.0)
