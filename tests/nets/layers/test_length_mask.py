"""Padding and other rows of the batch change nothing, and an empty visit is data."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.nets.layers.length_mask import LengthMask, StepsWithin

FEATURES, TIME = 12, 4
BUILDS = {
    f"{name}{suffix}": (name, {"wide": wide})
    for name in kn.list_nets("mortality-*")
    for suffix, wide in (("", False), ("-wide", True))
}
NETS = pytest.mark.parametrize("name", BUILDS)
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture(scope="module")
def nets():
    keras.utils.set_random_seed(5)
    built = {
        key: kn.build(name, features=FEATURES, **arguments)
        for key, (name, arguments) in BUILDS.items()
    }
    for net in built.values():
        for weight in net.trainable_weights:  # biases too, which start at 0
            weight.assign(np.random.default_rng(1).normal(0, 0.4, weight.shape))
    return built


def batch(lengths, time=TIME, pad=0.0, seed=0):
    """Multi-hot visits of the given lengths; the steps beyond them are ``pad``."""
    visits = np.full((len(lengths), time, FEATURES), pad, "float32")
    for row, length in enumerate(lengths):
        codes = np.random.default_rng([seed, row]).random((length, FEATURES)) < 0.3
        visits[row, :length] = codes
    return {"visits": visits, "length": np.array(lengths, "int32")}


# Every net with every value and amount of padding, and every amount with every value.
PADDING = [
    (name, [TIME, TIME + 1, 3 * TIME][(number + shift) % 3], pad)
    for number, name in enumerate(BUILDS)
    for shift, pad in enumerate([0.0, 1.0, -3e38, np.inf, np.nan])
]


@pytest.mark.parametrize(("name", "time", "pad"), PADDING)
def test_amount_and_value_of_the_padding_do_not_matter(nets, name, time, pad):
    lengths = [1, 3, TIME, 2]
    expected = nets[name](batch(lengths))
    padded = nets[name](batch(lengths, time, pad))
    np.testing.assert_allclose(padded, expected, atol=1e-6, rtol=0)


@NETS
@pytest.mark.parametrize("length", [1, 3, TIME])
def test_other_rows_of_the_batch_do_not_matter(nets, name, length):
    alone = nets[name](batch([length]))
    in_batch = nets[name](batch([length, 1, TIME, 2, 3]))[:1]
    unpadded = nets[name](batch([length], time=length))
    np.testing.assert_allclose(in_batch, alone, atol=1e-6, rtol=0)
    np.testing.assert_allclose(unpadded, alone, atol=1e-6, rtol=0)


@NETS
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_empty_visit_is_data(nets, name, place):
    x = batch([3])
    without = batch([2])
    without["visits"][0, :2] = np.delete(x["visits"][0, :3], place, axis=0)
    x["visits"][0, place] = 0
    assert np.abs(nets[name](x) - nets[name](without)).max() > 1e-4


@NETS
def test_with_a_length_of_zero_the_output_does_not_depend_on_the_padding(nets, name):
    expected = np.asarray(nets[name](batch([0, 2])))
    assert np.isfinite(expected).all()
    padded = nets[name](batch([0, 2], time=2 * TIME, pad=np.nan))
    np.testing.assert_allclose(padded, expected, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(expected[0], nets[name](batch([0, TIME]))[0])


@NETS
def test_gradients_do_not_depend_on_the_padding(nets, name):
    def gradients(x):
        with tf.GradientTape() as tape:
            loss = LOSS(np.array([0, 1, 1]), nets[name](x, training=False))
        return tape.gradient(loss, nets[name].trainable_weights)

    expected = gradients(batch([1, 4, TIME]))
    for pad in (7.0, np.nan):
        padded = gradients(batch([1, 4, TIME], 9, pad))
        for gradient, without_padding in zip(padded, expected, strict=True):
            np.testing.assert_allclose(gradient, without_padding, atol=1e-6, rtol=0)


def test_training_with_xla_ignores_nan_padding():
    keras.utils.set_random_seed(0)
    net = kn.build("mortality-gru", features=FEATURES)
    net.compile("sgd", LOSS, jit_compile=True)
    assert np.isfinite(net.train_on_batch(batch([1, 3, TIME], 8, np.nan), np.array([0, 1, 1])))
    assert all(np.isfinite(weight).all() for weight in net.get_weights())


@NETS
def test_a_reloaded_net_still_masks(nets, name, tmp_path):
    nets[name].save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    expected = nets[name](batch([1, 4]))
    np.testing.assert_allclose(again(batch([1, 4], 9, np.nan)), expected, atol=1e-6, rtol=0)


def test_the_mask_is_true_within_the_length():
    visits, length = np.zeros((4, 3, 2), "float32"), np.array([0, 1, 2, 3], "int32")
    expected = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    np.testing.assert_array_equal(StepsWithin()([visits, length]), np.array(expected, bool))
    layer = LengthMask()
    np.testing.assert_array_equal(layer([visits, length])._keras_mask, np.array(expected, bool))
    np.testing.assert_array_equal(layer([visits + 1, length])[..., 0], expected)


@pytest.mark.parametrize("bad", [[-1, 2], [1, 4]])
def test_lengths_out_of_range_are_refused(bad):
    visits = np.zeros((2, 3, 2), "float32")
    with pytest.raises(ValueError, match=r"lengths must be in \[0, 3\], got min="):
        LengthMask()([visits, np.array(bad, "int32")])


@pytest.mark.parametrize("shapes", [((2, 3), (2,)), ((2, 3, 4), (2, 1)), ((2, 3, 4),)])
def test_wrong_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match=r"takes \[visits, length\]"):
        LengthMask()([np.zeros(shape, "float32") for shape in shapes])
