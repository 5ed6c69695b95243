"""The loops of GRU and LSTM have the outputs, states and gradients of Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels import recurrent
from kerasnets.engine.kernels.layers import fast_layers

LAYERS = {
    "gru": lambda: keras.layers.GRU(4, return_sequences=True),
    "gru, reset before": lambda: keras.layers.GRU(4, reset_after=False),
    "gru, no bias": lambda: keras.layers.GRU(4, use_bias=False),
    "gru, backwards": lambda: keras.layers.GRU(4, go_backwards=True, return_sequences=True),
    "gru, dropout": lambda: keras.layers.GRU(4, dropout=0.5, seed=1),
    "lstm": lambda: keras.layers.LSTM(4, return_sequences=True),
    "lstm, no bias": lambda: keras.layers.LSTM(4, use_bias=False),
    "lstm, backwards": lambda: keras.layers.LSTM(4, go_backwards=True),
    "bidirectional": lambda: keras.layers.Bidirectional(keras.layers.GRU(4)),
    "relu": lambda: keras.layers.GRU(4, activation="relu"),
}
BATCH, STEPS, FEATURES = 3, 6, 3


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_and_gradients_are_those_of_keras(kind, masked):
    keras.utils.set_random_seed(0)
    sequence, mask = keras.Input((STEPS, FEATURES)), keras.Input((STEPS,), dtype="bool")
    outputs = LAYERS[kind]()(sequence, mask=mask if masked else None)
    model = keras.Model([sequence, mask] if masked else sequence, outputs)
    for weight in model.weights:  # biases too, which are zero at first
        weight.assign(keras.random.normal(weight.shape, seed=len(weight.path)))
    x = np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    lengths = np.array([[STEPS], [1], [4]])
    sequences, masks = tf.constant(x), tf.constant(np.arange(STEPS) < lengths)

    def run():
        generators = [part.seed_generator for part in model._flatten_layers() if seeded(part)]
        for generator in generators:
            generator.state.assign(tf.ones_like(generator.state))
        with tf.GradientTape() as tape:
            tape.watch(sequences)
            outputs = model([sequences, masks] if masked else sequences, training=True)
            loss = tf.reduce_sum(tf.sin(outputs))
        weights = [weight.value for weight in model.trainable_variables]
        return [outputs, *tape.gradient(loss, [sequences, *weights])]

    expected = run()
    with fast_layers(model):
        fast = tf.function(run, autograph=False)()
    for a, b in zip(fast, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5, rtol=1e-5)


def seeded(layer):
    return getattr(layer, "seed_generator", None) is not None


@pytest.mark.parametrize("kind", [keras.layers.GRU, keras.layers.LSTM])
def test_states_are_those_of_keras(kind):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((STEPS, FEATURES))
    model = keras.Model(inputs, kind(4, return_sequences=True, return_state=True)(inputs))
    x = tf.constant(np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)), "float32")
    expected = model(x)
    with fast_layers(model):
        fast = tf.function(model, autograph=False)(x)
    for a, b in zip(fast, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.SimpleRNN(2),
        keras.layers.RNN(keras.layers.GRUCell(2)),
        keras.layers.GRU(2, recurrent_activation="hard_sigmoid"),
        keras.layers.GRU(2, recurrent_dropout=0.5),
        keras.layers.GRU(2, unroll=True),
        keras.layers.LSTM(2, dtype="mixed_float16"),
        type("OwnGru", (keras.layers.GRU,), {})(2),
    ],
)
def test_other_layers_are_not_replaced(layer):
    assert not recurrent.supports(layer)


def test_unknown_number_of_steps_uses_keras():
    model = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.GRU(2)])
    x = np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    expected = model(x)
    with fast_layers(model):
        run = tf.function(model, autograph=False, input_signature=[tf.TensorSpec((3, None, 3))])
        outputs = run(tf.constant(x))
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
