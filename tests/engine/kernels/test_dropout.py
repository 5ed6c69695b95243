from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels.dropout import dropout
from kerasnets.engine.kernels.layers import fast_layers

SHAPE = (200, 500)


def dropped(rate, seed, x=None):
    given = tf.ones(SHAPE) if x is None else x
    return tf.function(dropout, jit_compile=True)(given, rate, tf.constant(seed)).numpy()


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_the_share_kept_is_that_asked_for_and_the_mean_stays(rate):
    given = dropped(rate, (1, 2))
    n = given.size
    # Five standard deviations of a binomial share.
    assert abs((given == 0).mean() - rate) < 5 * math.sqrt(rate * (1 - rate) / n)
    assert np.unique(given).tolist() == [0, np.float32(1) / np.float32(1 - rate)]


def test_neighbours_rows_columns_and_calls_are_independent():
    masks = [dropped(0.5, (7, call)) > 0 for call in range(3)] + [dropped(0.5, (8, 0)) > 0]
    limit = 5 / math.sqrt(masks[0].size)
    signs = [2.0 * mask - 1 for mask in masks]
    for one in range(4):
        for two in range(one):
            assert abs((signs[one] * signs[two]).mean()) < limit
    assert abs((signs[0][1:] * signs[0][:-1]).mean()) < limit
    assert abs((signs[0][:, 1:] * signs[0][:, :-1]).mean()) < limit
    spread = 5 / math.sqrt(SHAPE[0])
    assert np.abs(signs[0].mean(axis=0)).max() < spread


def test_the_same_seed_gives_the_same_mask():
    assert np.array_equal(dropped(0.5, (3, 4)), dropped(0.5, (3, 4)))


def test_a_gradient_flows_where_a_value_did():
    x = tf.Variable(np.random.default_rng(0).normal(size=SHAPE).astype("float32"))
    with tf.GradientTape() as tape:
        kept = dropout(x, 0.25, tf.constant((1, 1)))
        total = tf.reduce_sum(kept)
    gradient = tape.gradient(total, x).numpy()
    np.testing.assert_array_equal(gradient, np.where(kept.numpy() != 0, np.float32(1 / 0.75), 0))


def test_only_plain_dropout_is_replaced_and_only_meanwhile():
    inputs = keras.Input((8, 3))
    plain, columns = keras.layers.Dropout(0.5), keras.layers.Dropout(0.5, noise_shape=(None, 1, 3))
    model = keras.Model(inputs, columns(plain(inputs)))
    with fast_layers(model):
        assert "call" in plain.__dict__
        assert "call" not in columns.__dict__
        x = np.ones((4, 8, 3), "float32")
        assert np.array_equal(plain(x, training=False), x)
        assert (plain(x, training=True).numpy() == 0).any()
    assert "call" not in plain.__dict__


def test_training_calls_draw_other_masks_each_time():
    layer = keras.layers.Dropout(0.5)
    inputs = keras.Input((50,))
    model = keras.Model(inputs, layer(inputs))
    with fast_layers(model):
        first, second = (model(np.ones((4, 50), "float32"), training=True) for _ in range(2))
    assert not np.array_equal(first, second)
