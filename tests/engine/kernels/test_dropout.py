"""Masks from the hash have the requested rate, are independent, and depend only on the seed."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels.dropout import dropout, supports
from kerasnets.engine.kernels.layers import fast_layers

SHAPE = (200, 500)


def dropout_of_ones(rate, seed):
    return tf.function(dropout, jit_compile=True)(tf.ones(SHAPE), rate, tf.constant(seed)).numpy()


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_the_rate_is_as_requested_and_other_elements_are_scaled(rate):
    outputs = dropout_of_ones(rate, (1, 2))
    # Five standard deviations of a binomial proportion.
    assert abs((outputs == 0).mean() - rate) < 5 * math.sqrt(rate * (1 - rate) / outputs.size)
    assert np.unique(outputs).tolist() == [0, np.float32(1) / np.float32(1 - rate)]


def test_rows_columns_and_calls_are_independent():
    masks = [dropout_of_ones(0.5, (7, call)) > 0 for call in range(3)]
    masks.append(dropout_of_ones(0.5, (8, 0)) > 0)
    limit = 5 / math.sqrt(masks[0].size)
    signs = [2.0 * mask - 1 for mask in masks]
    for one in range(4):
        for two in range(one):
            assert abs((signs[one] * signs[two]).mean()) < limit
    assert abs((signs[0][1:] * signs[0][:-1]).mean()) < limit
    assert abs((signs[0][:, 1:] * signs[0][:, :-1]).mean()) < limit
    assert np.abs(signs[0].mean(axis=0)).max() < 5 / math.sqrt(SHAPE[0])


def test_the_same_seed_gives_the_same_mask():
    np.testing.assert_array_equal(dropout_of_ones(0.5, (3, 4)), dropout_of_ones(0.5, (3, 4)))


def test_gradient_is_zero_only_for_dropped_elements():
    x = tf.Variable(np.random.default_rng(0).normal(size=SHAPE).astype("float32"))
    with tf.GradientTape() as tape:
        outputs = dropout(x, 0.25, tf.constant((1, 1)))
        total = tf.reduce_sum(outputs)
    gradient = tape.gradient(total, x).numpy()
    scale = np.float32(1 / 0.75)
    np.testing.assert_array_equal(gradient, np.where(outputs.numpy() != 0, scale, 0))


def test_inference_returns_the_inputs_and_training_drops_elements():
    inputs = keras.Input((8, 3))
    layer = keras.layers.Dropout(0.5)
    model = keras.Model(inputs, layer(inputs))
    x = np.ones((4, 8, 3), "float32")
    with fast_layers(model):
        np.testing.assert_array_equal(layer(x, training=False), x)
        assert (layer(x, training=True).numpy() == 0).any()


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Dropout(0.5, noise_shape=(None, 1, 3)),
        keras.layers.Dropout(0.0),
        keras.layers.Dropout(1.0),
        keras.layers.Dropout(0.5, dtype="mixed_float16"),
        keras.layers.SpatialDropout1D(0.5),
        keras.layers.GaussianDropout(0.5),
        type("OwnDropout", (keras.layers.Dropout,), {})(0.5),
    ],
)
def test_other_layers_are_not_replaced(layer):
    assert not supports(layer)


def test_each_training_call_draws_another_mask():
    inputs = keras.Input((50,))
    model = keras.Model(inputs, keras.layers.Dropout(0.5)(inputs))
    with fast_layers(model):
        first, second = (model(np.ones((4, 50), "float32"), training=True) for _ in range(2))
    assert not np.array_equal(first, second)
