"""One operation a weight gives what Keras's Adam gives, and stands in for that alone."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels.adam import fast_adam

STEPS = 5


def model_of(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )


def train(optimizer, *, fast, xla=False):
    """Weights, moments and velocities after some steps."""
    model = model_of()
    optimizer.build(model.trainable_variables)
    x = np.random.default_rng(0).normal(size=(STEPS, 8, 3)).astype("float32")

    def step(given):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(given) - 1) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_weights))

    run = tf.function(step, jit_compile=xla, autograph=False)
    if fast:
        with fast_adam(optimizer):
            run = run.get_concrete_function(tf.TensorSpec((8, 3)))
    for given in x:
        run(tf.constant(given))
    return [np.asarray(v) for v in (*model.trainable_variables, *optimizer.variables)]


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "huge": lambda: keras.optimizers.Adam(1e4, beta_1=0.5, beta_2=0.7, epsilon=1e-3),
    "no momentum": lambda: keras.optimizers.Adam(0.01, beta_1=0.0, beta_2=0.0),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "clipped": lambda: keras.optimizers.Adam(0.01, global_clipnorm=0.1),
    "averaged": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "accumulated": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, STEPS)),
    "amsgrad": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "sgd": lambda: keras.optimizers.SGD(0.01),
}


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weights_and_state_are_those_of_keras(kind, xla):
    given, expected = (train(OPTIMIZERS[kind](), fast=fast, xla=xla) for fast in (True, False))
    for a, b in zip(given[:4], expected[:4], strict=True):  # the weights
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)
    # The velocities are those of the rounded beta_2, of which 1 - beta_2 has only a few digits.
    for a, b in zip(given[4:], expected[4:], strict=True):
        np.testing.assert_allclose(a, b, rtol=2**-25 / 0.001 + 2e-6, atol=1e-7)


def test_the_step_is_that_of_the_paper():
    weight = keras.Variable([1.0, -2.0, 0.5])
    optimizer = keras.optimizers.Adam(0.1, epsilon=1e-4)
    optimizer.build([weight])
    gradients = np.array([[1.0, -1e-3, 0.0], [0.5, 1e30, 0.0]])
    expected, m, v = np.array([1.0, -2.0, 0.5]), np.zeros(3), np.zeros(3)
    for t, g in enumerate(gradients, start=1):
        with fast_adam(optimizer):
            optimizer.apply([tf.constant(g, tf.float32)])
        with np.errstate(over="ignore"):
            m, v = 0.9 * m + 0.1 * g, (0.999 * v + 0.001 * g * g).astype("float32")
        rate = 0.1 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        expected = expected - rate * m / (np.sqrt(v) + 1e-4)
    np.testing.assert_allclose(weight, expected, rtol=1e-5)


def test_rows_of_an_embedding_are_left_to_keras():
    results = []
    for fast in (True, False):
        keras.utils.set_random_seed(0)
        layer = keras.layers.Embedding(6, 2)
        layer.build((None,))
        optimizer = keras.optimizers.Adam(0.1)
        optimizer.build(layer.trainable_variables)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(tf.constant([1, 4, 1])) ** 2)
        gradients = tape.gradient(loss, [variable.value for variable in layer.trainable_variables])
        assert isinstance(gradients[0], tf.IndexedSlices)
        if fast:
            with fast_adam(optimizer):
                optimizer.apply(gradients)
        else:
            optimizer.apply(gradients)
        results.append(layer.get_weights()[0])
    np.testing.assert_array_equal(*results)


def test_only_plain_adam_is_replaced_and_only_meanwhile():
    class Own(keras.optimizers.Adam):
        pass

    kinds = [Own, keras.optimizers.Nadam, lambda: keras.optimizers.Adam(amsgrad=True)]
    for optimizer in (kind() for kind in kinds):
        with fast_adam(optimizer):
            assert "_backend_update_step" not in optimizer.__dict__
    plain = keras.optimizers.Adam()
    with fast_adam(plain):
        assert "_backend_update_step" in plain.__dict__
    assert "_backend_update_step" not in plain.__dict__
