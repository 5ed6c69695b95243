"""The convention ``tf`` equals tf.profiler exactly, for models that tf.profiler counts correctly.

It counts dense and convolutional nets correctly. It counts the loop of a recurrent net only once,
and it has no cost for some functions.
"""

import keras
import pytest
import tensorflow as tf

import kerasnets as kn

layers = keras.layers
# The spectral nets use logarithms, square roots and maxima, which it does not count.
DENSE_AND_CONV = [
    name
    for name in kn.list_nets("seizure-*")
    if not any(word in name for word in ("gru", "lstm", "spectral"))
]


def tf_profiler_flops(model):
    """What tf.profiler's float_operation reports for one sample."""
    specs = [tf.TensorSpec((1, *x.shape[1:]), x.dtype) for x in model.inputs]
    forward = tf.function(lambda x: model(x, training=False)).get_concrete_function(*specs)
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    return tf.compat.v1.profiler.profile(forward.graph, cmd="op", options=options).total_float_ops


@pytest.mark.parametrize("name", DENSE_AND_CONV)
def test_dense_and_convolutional_nets(name):
    net = kn.build(name)
    assert kn.profile(net, convention="tf").flops == tf_profiler_flops(net)


@pytest.mark.parametrize(
    ("shape", "stack"),
    [
        ((12,), [layers.Dense(7, use_bias=False), layers.Softmax()]),
        ((9, 8, 2), [layers.Conv2D(3, (3, 2), strides=2, padding="same"), layers.ReLU()]),
        ((9, 8, 4), [layers.Conv2D(6, 3, use_bias=False)]),
        ((6, 6, 5, 2), [layers.Conv3D(3, 2)]),
        ((9, 9, 3), [layers.DepthwiseConv2D(3, depth_multiplier=2)]),
        ((9, 9, 3), [layers.SeparableConv2D(5, 3)]),
        ((9, 9, 3), [layers.MaxPooling2D(3, 2), layers.GlobalAveragePooling2D()]),
        ((9, 9, 3), [layers.AveragePooling2D(2), layers.Flatten()]),
        ((4, 4, 3), [layers.BatchNormalization()]),
        ((4, 4, 3), [layers.BatchNormalization(scale=False)]),
        ((4, 4, 3), [layers.Rescaling(1 / 127.5, offset=-1)]),
        ((3,), [layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0])]),
    ],
)
def test_single_layers(shape, stack):
    net = keras.Sequential([keras.Input(shape), *stack])
    assert kn.profile(net, convention="tf").flops == tf_profiler_flops(net)


def test_tf_profiler_includes_the_padding_that_tensorflow_adds_to_dilated_convolutions():
    net = keras.Sequential(
        [keras.Input((9, 8, 4)), layers.Conv2D(6, 3, dilation_rate=2, use_bias=False)]
    )
    rows, columns, products = 9 - 4, 8 - 4, 3 * 3 * 4
    assert kn.profile(net, convention="tf").flops == 2 * rows * columns * 6 * products
    # TensorFlow pads the 9 rows to 10, to split them into two equal parts.
    assert tf_profiler_flops(net) == 2 * (rows + 1) * columns * 6 * products


def test_mobilenet():
    net = keras.applications.MobileNetV2((32, 32, 3), weights=None, alpha=0.35, classes=10)
    assert kn.profile(net, convention="tf").flops == tf_profiler_flops(net)


def test_tf_profiler_misses_the_time_steps_of_a_recurrent_net():
    net = kn.build("seizure-gru")
    head = 2 * 16 * 5 + 5
    # Of 178 steps with 1,984 operations each, it counts the matrix products of at most one.
    assert tf_profiler_flops(net) - head < 2 * 1_984
    assert kn.profile(net, convention="tf").flops - head > 178 * 1_500
