"""The fused Adam updates weights and state as Keras does, and replaces only Adam and AdamW."""

from __future__ import annotations

import contextlib
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels.adam import fast_adam

STEPS = 5


def small_model(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )


def train(optimizer, *, fast, xla=False):
    """Return weights, momentums and velocities after some steps."""
    model = small_model()
    optimizer.build(model.trainable_variables)
    x = np.random.default_rng(0).normal(size=(STEPS, 8, 3)).astype("float32")

    def step(inputs):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(inputs) - 1) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_weights))

    run = tf.function(step, jit_compile=xla, autograph=False)
    if fast:
        with fast_adam(optimizer):
            run = run.get_concrete_function(tf.TensorSpec((8, 3)))
    for batch in x:
        run(tf.constant(batch))
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
    ours, expected = (train(OPTIMIZERS[kind](), fast=fast, xla=xla) for fast in (True, False))
    for a, b in zip(ours[:4], expected[:4], strict=True):  # the weights
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)
    # The velocities use beta_2 in float32, so that 1 - beta_2 has only a few correct digits.
    for a, b in zip(ours[4:], expected[4:], strict=True):
        np.testing.assert_allclose(a, b, rtol=2**-25 / 0.001 + 2e-6, atol=1e-7)


def test_steps_follow_the_formula_of_the_paper():
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


def embedding_after_one_step(*, fast):
    keras.utils.set_random_seed(0)
    layer = keras.layers.Embedding(6, 2)
    layer.build((None,))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(layer.trainable_variables)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.constant([1, 4, 1])) ** 2)
    gradients = tape.gradient(loss, [variable.value for variable in layer.trainable_variables])
    assert isinstance(gradients[0], tf.IndexedSlices)
    with fast_adam(optimizer) if fast else contextlib.nullcontext():
        optimizer.apply(gradients)
    return layer.get_weights()[0]


def test_sparse_gradients_of_an_embedding_use_keras():
    np.testing.assert_array_equal(
        embedding_after_one_step(fast=True), embedding_after_one_step(fast=False)
    )


def own_update_step():
    optimizer = keras.optimizers.Adam()
    object.__setattr__(optimizer, "update_step", lambda *arguments: None)
    return optimizer


OTHER_OPTIMIZERS = {
    "subclass": lambda: type("OwnAdam", (keras.optimizers.Adam,), {})(),
    "another kind": lambda: keras.optimizers.Nadam(),
    "amsgrad": lambda: keras.optimizers.Adam(amsgrad=True),
    "beta_2 of 1": lambda: keras.optimizers.Adam(beta_2=1 - 1e-9),
    "replaced method": own_update_step,
}


@pytest.mark.parametrize("kind", OTHER_OPTIMIZERS)
def test_other_optimizers_are_not_replaced(kind):
    optimizer = OTHER_OPTIMIZERS[kind]()
    with fast_adam(optimizer):
        assert "_backend_update_step" not in vars(optimizer)


def test_adam_is_replaced_only_while_the_block_runs():
    optimizer = keras.optimizers.Adam()
    with fast_adam(optimizer):
        assert "_backend_update_step" in vars(optimizer)
    assert "_backend_update_step" not in vars(optimizer)
