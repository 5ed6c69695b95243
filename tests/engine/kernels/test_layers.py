"""What stands in for layers gives values, gradients and statistics of Keras's own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels.layers import fast_layers


def values_and_gradients(model, x, training=True):
    weights = [weight.value for weight in model.trainable_variables]

    def run(given):
        with tf.GradientTape() as tape:
            tape.watch(given)
            out = model(given, training=training)
            loss = tf.reduce_sum(tf.sin(out))
        return [out, *tape.gradient(loss, [given, *weights])]

    concrete = tf.function(run, autograph=False).get_concrete_function(
        tf.TensorSpec((None, *x.shape[1:]))
    )
    return concrete(tf.constant(x)), concrete


def both_ways(build, x, training=True):
    """Results and all weights afterwards: in our way, and in Keras's."""
    for fast in (True, False):
        keras.utils.set_random_seed(0)
        model = build()
        if fast:
            with fast_layers(model, xla=False):
                results, concrete = values_and_gradients(model, x, training)
        else:
            results, concrete = values_and_gradients(model, x, training)
        yield [np.asarray(r) for r in (*results, *model.get_weights())], concrete


def operations(concrete):
    return {operation.type for operation in concrete.graph.get_operations()}


NORMALIZATIONS = {
    "pictures": ((5, 4, 3), {}),
    "signals": ((6, 3), {"momentum": 0.5}),
    "not scaled": ((5, 4, 3), {"scale": False}),
    "not centred": ((5, 4, 3), {"center": False, "epsilon": 0.1}),
    "one place": ((1, 1, 3), {}),
}


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_batch_normalization(kind, rows):
    shape, arguments = NORMALIZATIONS[kind]
    x = np.random.default_rng(0).normal(3, 2, (rows, *shape)).astype("float32")

    def build():
        layer = keras.layers.BatchNormalization(
            gamma_initializer="normal", beta_initializer="normal", **arguments
        )
        return keras.Sequential([keras.Input(shape), layer])

    (ours, concrete), (keras_own, _) = both_ways(build, x)
    assert "FusedBatchNormV3" in operations(concrete)
    # Sums of 140 terms of some 3 cancel: in float32 up to 140 · 3 · 2**-24 is left of each.
    for a, b in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=140 * 3 * 2**-24 * 4)


def test_batch_normalization_over_any_number_of_steps():
    layer = keras.layers.BatchNormalization()
    model = keras.Sequential([keras.Input((None, 3)), layer])
    x = np.random.default_rng(0).normal(3, 2, (4, 7, 3)).astype("float32")
    with fast_layers(model, xla=False):
        run = tf.function(lambda x: model(x, training=True), autograph=False)
        given = run.get_concrete_function(tf.TensorSpec((None, None, 3)))(tf.constant(x))
    mean, variance = x.mean(axis=(0, 1)), x.var(axis=(0, 1))
    np.testing.assert_allclose(given, (x - mean) / np.sqrt(variance + 1e-3), atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.01 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.99 + 0.01 * variance, rtol=1e-5)


def test_batch_normalization_that_does_not_train_is_left_to_keras():
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")

    def build(trainable):
        layer = keras.layers.BatchNormalization(trainable=trainable)
        return keras.Sequential([keras.Input((6, 3)), layer])

    for trainable, training in ((True, False), (False, True)):
        (ours, concrete), (keras_own, _) = both_ways(lambda t=trainable: build(t), x, training)
        assert "FusedBatchNormV3" not in operations(concrete)
        for a, b in zip(ours, keras_own, strict=True):
            np.testing.assert_array_equal(a, b)


def test_normalization_of_another_kind_is_left_to_keras():
    for shape, arguments in (((8,), {}), ((5, 4, 3), {"axis": 1}), ((5, 4, 3), {"renorm": True})):
        layer = keras.layers.BatchNormalization(**arguments)
        model = keras.Sequential([keras.Input(shape), layer])
        with fast_layers(model, xla=False):
            assert "call" not in layer.__dict__
    masked = keras.Sequential(
        [keras.Input((6, 3)), keras.layers.Masking(), keras.layers.BatchNormalization()]
    )
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    x[:, 4:] = 0
    with fast_layers(masked, xla=False):
        _, concrete = values_and_gradients(masked, x)
    assert "FusedBatchNormV3" not in operations(concrete)


CONVOLUTIONS = {
    "pictures": ((5, 4, 3), lambda: keras.layers.Conv2D(2, (5, 4), activation="tanh"), True),
    "strides": ((6, 6, 3), lambda: keras.layers.Conv2D(2, 6, strides=4, use_bias=False), True),
    "smaller kernel": ((5, 5, 1), lambda: keras.layers.Conv2D(2, 4), False),
    "padded": ((5, 5, 1), lambda: keras.layers.Conv2D(2, 5, padding="same"), False),
    "groups": ((6, 6, 4), lambda: keras.layers.Conv2D(2, 6, groups=2), False),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_kernel_over_the_whole_input_is_a_product(kind):
    shape, layer, product = CONVOLUTIONS[kind]
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype("float32")
    (ours, concrete), (keras_own, _) = both_ways(
        lambda: keras.Sequential([keras.Input(shape), layer()]), x
    )
    assert ("MatMul" in operations(concrete)) is product
    for a, b in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_layers_are_keras_own_again_whatever_happens_meanwhile():
    layers = [
        keras.layers.Conv2D(4, 6),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.Reshape((4, 1)),
        keras.layers.GRU(2),
    ]
    model = keras.Sequential([keras.Input((6, 6, 3)), *layers])

    def replaced():
        return [{"call", "convolution_op", "inner_loop"} & set(layer.__dict__) for layer in layers]

    def interrupted():
        with fast_layers(model, xla=False, compile_for=4):
            seen.extend(replaced())
            raise KeyError

    seen = []
    with pytest.raises(KeyError):
        interrupted()
    assert seen == [{"convolution_op"}, {"call"}, {"call"}, set(), set()]
    assert replaced() == [set()] * 5
