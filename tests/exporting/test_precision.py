"""Models in other types than float32."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.precision import in_float32, policies_of
from kerasnets.exporting.signature import serve

import_tensorflow()
layers = keras.layers


def build(policy: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        x = keras.Input((6, 3), name="x")
        hidden = layers.Bidirectional(layers.GRU(4, recurrent_initializer="glorot_uniform"))(x)
        model = keras.Model(x, layers.Dense(3)(layers.BatchNormalization()(hidden)))
    finally:
        keras.config.set_dtype_policy(before)
    return model


@pytest.mark.parametrize(
    ("policy", "tolerance"),
    [("mixed_float16", 1e-2), ("float16", 1e-2), ("bfloat16", 5e-2), ("float64", 1e-6)],
)
def test_a_float32_model_with_the_same_weights(policy: str, tolerance: float) -> None:
    model = build(policy)
    assert policies_of(model) == [policy]
    copy = in_float32(model)
    assert policies_of(copy) == []
    (signature,) = serve(copy).inputs
    assert signature.dtype == "float32"
    for mine, weight in zip(copy.weights, model.weights, strict=True):
        assert mine.dtype == "float32" or weight.dtype not in ("float16", "bfloat16", "float64")
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(weight).astype(mine.dtype))
    x = np.random.default_rng(0).normal(size=(5, 6, 3))
    expected = np.asarray(model(x)).astype("float32")
    np.testing.assert_allclose(np.asarray(copy(x)), expected, atol=tolerance)


def test_a_float32_model_is_not_copied() -> None:
    model = build("float32")
    assert in_float32(model) is model


def test_a_model_that_keras_cannot_rebuild_says_what_to_do() -> None:
    class Own(keras.Model):
        def __init__(self, size: int) -> None:
            super().__init__(dtype="float16")
            self.dense = layers.Dense(size, dtype="float16")

        def call(self, inputs: object) -> object:
            return self.dense(inputs)

    model = Own(3)
    model(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"(?s)computes in float16.*set_dtype_policy"):
        in_float32(model)
