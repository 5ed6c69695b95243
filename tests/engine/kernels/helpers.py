"""Run a model with Keras's own layers and with the faster kernels."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from kerasnets.engine.kernels.layers import fast_layers


def outputs_and_gradients(model, x, training=True):
    """Trace a model; return its outputs with the gradients of a loss, and the traced function."""
    weights = [weight.value for weight in model.trainable_variables]

    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs, training=training)
            loss = tf.reduce_sum(tf.sin(outputs))
        return [outputs, *tape.gradient(loss, [inputs, *weights])]

    concrete = tf.function(run, autograph=False).get_concrete_function(
        tf.TensorSpec((None, *x.shape[1:]))
    )
    return concrete(tf.constant(x)), concrete


def with_and_without_kernels(build, x, training=True):
    """Yield outputs, gradients and weights after the call, first with kernels and then without."""
    for fast in (True, False):
        keras.utils.set_random_seed(0)
        model = build()
        if fast:
            with fast_layers(model, xla=False):
                results, concrete = outputs_and_gradients(model, x, training)
        else:
            results, concrete = outputs_and_gradients(model, x, training)
        yield [np.asarray(result) for result in (*results, *model.get_weights())], concrete


def operations(concrete):
    return {operation.type for operation in concrete.graph.get_operations()}
