"""The convention ``tf`` against tf.profiler itself, to the operation, where tf.profiler is right.

It is right about dense and convolutional nets. It is not about recurrent ones, whose matrix
products lie inside a loop it looks at once, nor about functions it has no figure for.
"""

import keras
import pytest
import tensorflow as tf

import kerasnets as kn

layers = keras.layers
# The spectral nets take logarithms, square roots and largest values, of which it prints nothing.
DENSE_AND_CONV = [
    name
    for name in kn.list_nets("seizure-*")
    if not any(word in name for word in ("gru", "lstm", "spectral"))
]


def printed_by_tf_profiler(model):
    """What tf.profiler's float_operation prints for one sample."""
    specs = [tf.TensorSpec((1, *x.shape[1:]), x.dtype) for x in model.inputs]
    forward = tf.function(lambda x: model(x, training=False)).get_concrete_function(*specs)
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    return tf.compat.v1.profiler.profile(forward.graph, cmd="op", options=options).total_float_ops


@pytest.mark.parametrize("name", DENSE_AND_CONV)
def test_dense_and_convolutional_nets_equal_to_the_operation(name):
    net = kn.build(name)
    assert kn.profile(net, convention="tf").flops == printed_by_tf_profiler(net)


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
def test_layers_equal_to_the_operation(shape, stack):
    net = keras.Sequential([keras.Input(shape), *stack])
    assert kn.profile(net, convention="tf").flops == printed_by_tf_profiler(net)


def test_a_dilated_convolution_is_printed_with_the_padding_tensorflow_adds_to_run_it():
    net = keras.Sequential(
        [keras.Input((9, 8, 4)), layers.Conv2D(6, 3, dilation_rate=2, use_bias=False)]
    )
    rows, columns, products = 9 - 4, 8 - 4, 3 * 3 * 4
    assert kn.profile(net, convention="tf").flops == 2 * rows * columns * 6 * products
    # The rows are padded from 9 to 10 to be cut into two even parts.
    assert printed_by_tf_profiler(net) == 2 * (rows + 1) * columns * 6 * products


def test_mobilenet_equal_to_the_operation():
    net = keras.applications.MobileNetV2((32, 32, 3), weights=None, alpha=0.35, classes=10)
    assert kn.profile(net, convention="tf").flops == printed_by_tf_profiler(net)


def test_tf_profiler_misses_the_steps_of_a_recurrent_net():
    net = kn.build("seizure-gru")
    head = 2 * 16 * 5 + 5
    # Of 178 steps with 1,984 operations each it prints the matrix products of at most one.
    assert printed_by_tf_profiler(net) - head < 2 * 1_984
    assert kn.profile(net, convention="tf").flops - head > 178 * 1_500
