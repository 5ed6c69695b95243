"""A convolution whose kernel covers the whole input is traced as a matrix product."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.engine.kernels import convolution
from tests.engine.kernels.helpers import operations, with_and_without_kernels

CONVOLUTIONS = {
    "whole input": ((5, 4, 3), lambda: keras.layers.Conv2D(2, (5, 4), activation="tanh"), True),
    "strides": ((6, 6, 3), lambda: keras.layers.Conv2D(2, 6, strides=4, use_bias=False), True),
    "smaller kernel": ((5, 5, 1), lambda: keras.layers.Conv2D(2, 4), False),
    "padded": ((5, 5, 1), lambda: keras.layers.Conv2D(2, 5, padding="same"), False),
    "groups": ((6, 6, 4), lambda: keras.layers.Conv2D(2, 6, groups=2), False),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_outputs_and_gradients_are_those_of_keras(kind):
    shape, layer, is_product = CONVOLUTIONS[kind]
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype("float32")
    (ours, concrete), (keras_own, _) = with_and_without_kernels(
        lambda: keras.Sequential([keras.Input(shape), layer()]), x
    )
    assert ("MatMul" in operations(concrete)) is is_product
    for a, b in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv1D(2, 5),
        keras.layers.Conv2D(2, 5, padding="same"),
        keras.layers.Conv2D(2, 5, groups=2),
        keras.layers.Conv2D(2, 5, dilation_rate=2),
        keras.layers.Conv2D(2, 5, data_format="channels_first"),
        type("OwnConvolution", (keras.layers.Conv2D,), {})(2, 5),
    ],
)
def test_other_convolutions_are_not_replaced(layer):
    assert not convolution.supports(layer)
