"""The fused batch normalization has the outputs, gradients and moving statistics of Keras."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels import batch_norm
from kerasnets.engine.kernels.layers import fast_layers
from tests.engine.kernels.helpers import (
    operations,
    outputs_and_gradients,
    with_and_without_kernels,
)

NORMALIZATIONS = {
    "images": ((5, 4, 3), {}),
    "signals": ((6, 3), {"momentum": 0.5}),
    "no scale": ((5, 4, 3), {"scale": False}),
    "no center": ((5, 4, 3), {"center": False, "epsilon": 0.1}),
    "one pixel": ((1, 1, 3), {}),
}


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_outputs_gradients_and_statistics_are_those_of_keras(kind, rows):
    shape, arguments = NORMALIZATIONS[kind]
    x = np.random.default_rng(0).normal(3, 2, (rows, *shape)).astype("float32")

    def build():
        layer = keras.layers.BatchNormalization(
            gamma_initializer="normal", beta_initializer="normal", **arguments
        )
        return keras.Sequential([keras.Input(shape), layer])

    (ours, concrete), (keras_own, _) = with_and_without_kernels(build, x)
    assert "FusedBatchNormV3" in operations(concrete)
    # Sums of 140 terms of about 3 cancel: in float32, up to 140 * 3 * 2**-24 remains per sum.
    for a, b in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=140 * 3 * 2**-24 * 4)


def test_number_of_steps_can_be_unknown():
    layer = keras.layers.BatchNormalization()
    model = keras.Sequential([keras.Input((None, 3)), layer])
    x = np.random.default_rng(0).normal(3, 2, (4, 7, 3)).astype("float32")
    with fast_layers(model, xla=False):
        run = tf.function(lambda x: model(x, training=True), autograph=False)
        outputs = run.get_concrete_function(tf.TensorSpec((None, None, 3)))(tf.constant(x))
    mean, variance = x.mean(axis=(0, 1)), x.var(axis=(0, 1))
    np.testing.assert_allclose(outputs, (x - mean) / np.sqrt(variance + 1e-3), atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.01 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.99 + 0.01 * variance, rtol=1e-5)


@pytest.mark.parametrize(("trainable", "training"), [(True, False), (False, True)])
def test_layer_that_does_not_train_uses_keras(trainable, training):
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")

    def build():
        layer = keras.layers.BatchNormalization(trainable=trainable)
        return keras.Sequential([keras.Input((6, 3)), layer])

    (ours, concrete), (keras_own, _) = with_and_without_kernels(build, x, training)
    assert "FusedBatchNormV3" not in operations(concrete)
    for a, b in zip(ours, keras_own, strict=True):
        np.testing.assert_array_equal(a, b)


HAS_RENORM = "renorm" in inspect.signature(keras.layers.BatchNormalization).parameters


@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ((8,), {}),
        ((5, 4, 3), {"axis": 1}),
        ((5, 4, 3), {"synchronized": True}),
        pytest.param(
            (5, 4, 3),
            {"renorm": True},
            marks=pytest.mark.skipif(not HAS_RENORM, reason="renorm exists since Keras 3.14"),
        ),
    ],
)
def test_other_kinds_of_normalization_are_not_replaced(shape, arguments):
    layer = keras.layers.BatchNormalization(**arguments)
    keras.Sequential([keras.Input(shape), layer])
    assert not batch_norm.supports(layer)


def test_layer_that_is_not_built_is_not_replaced():
    assert not batch_norm.supports(keras.layers.BatchNormalization())


def test_masked_inputs_use_keras():
    masked = keras.Sequential(
        [keras.Input((6, 3)), keras.layers.Masking(), keras.layers.BatchNormalization()]
    )
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    x[:, 4:] = 0
    with fast_layers(masked, xla=False):
        _, concrete = outputs_and_gradients(masked, x)
    assert "FusedBatchNormV3" not in operations(concrete)
