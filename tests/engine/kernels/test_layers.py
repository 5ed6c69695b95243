"""Layers are replaced only if a kernel supports them, and only while the block runs."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.engine.kernels.layers import fast_layers

METHODS = {"call", "convolution_op", "inner_loop"}


def replaced_methods(layers):
    return [METHODS & set(vars(layer)) for layer in layers]


def layers_and_model():
    layers = [
        keras.layers.Conv2D(4, 6),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.Reshape((4, 1)),
        keras.layers.GRU(2),
    ]
    return layers, keras.Sequential([keras.Input((6, 6, 3)), *layers])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"xla": True}, [{"convolution_op"}, set(), {"call"}, set(), {"inner_loop"}]),
        ({"xla": False, "compile_for": 4}, [{"convolution_op"}, {"call"}, {"call"}, set(), set()]),
        ({"xla": False}, [{"convolution_op"}, {"call"}, set(), set(), set()]),
    ],
)
def test_replaced_methods_depend_on_xla(arguments, expected):
    layers, model = layers_and_model()
    with fast_layers(model, **arguments):
        assert replaced_methods(layers) == expected
    assert replaced_methods(layers) == [set()] * 5


def test_layers_are_restored_after_an_error():
    layers, model = layers_and_model()
    before = [dict(vars(layer)) for layer in layers]
    with pytest.raises(KeyError, match="inside"), fast_layers(model):
        raise KeyError("inside")
    assert [dict(vars(layer)) for layer in layers] == before


def test_a_shared_layer_is_replaced_and_restored_once():
    dropout = keras.layers.Dropout(0.5)
    inputs = keras.Input((3,))
    inner = keras.Model(inputs, dropout(inputs))
    x = keras.Input((3,))
    model = keras.Model(x, [inner(x), dropout(x)])
    with fast_layers(model):
        assert "call" in vars(dropout)
    assert "call" not in vars(dropout)


def test_a_method_that_the_user_replaced_is_kept():
    layers, model = layers_and_model()
    own = layers[2].call = lambda inputs, training=False: inputs + 1
    with fast_layers(model):
        assert layers[2].call is own
        assert layers[2](np.zeros(3, "float32"), training=True).numpy().tolist() == [1, 1, 1]
    assert layers[2].call is own
