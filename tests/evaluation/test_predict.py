"""kerasnets.evaluation.predict, on small models whose logits are known."""

from __future__ import annotations

import types

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.evaluation import (
    get_task,
    predict_logits,
    predict_outputs,
    predict_probabilities,
    sigmoid,
    softmax,
)


@pytest.fixture(scope="module")
def identity():
    """A model whose logits are its input."""
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Identity()(inputs), name="identity")


X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


@pytest.mark.parametrize("batch_size", [1, 7, 256])
def test_probabilities_are_the_softmax_of_the_logits(identity, batch_size):
    np.testing.assert_array_equal(predict_probabilities(identity, X, batch_size), softmax(X))


def test_inputs_may_be_a_mapping():
    visits, length = keras.Input((2,), name="visits"), keras.Input((), name="length")
    model = keras.Model(
        {"visits": visits, "length": length}, keras.layers.Multiply()([visits, length[:, None]])
    )
    x = {"visits": np.array([[1, 2], [3, 4]], "f4"), "length": np.array([2, 0], "f4")}
    frozen = types.MappingProxyType(x)
    np.testing.assert_array_equal(predict_probabilities(model, frozen), softmax([[2, 4], [0, 0]]))


def test_an_input_without_rows_is_refused(identity):
    with pytest.raises(ValueError, match="no rows"):
        predict_probabilities(identity, np.zeros((0, 3), "f4"))


def test_an_output_with_three_axes_is_refused():
    inputs = keras.Input((4, 3))
    model = keras.Model(inputs, keras.layers.Identity()(inputs), name="sequence")
    with pytest.raises(ValueError, match=r"'sequence' has \(2, 4, 3\)"):
        predict_probabilities(model, np.zeros((2, 4, 3), "f4"))


def test_a_single_logit_belongs_to_the_second_class():
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    x = np.array([[-2.0], [0.0], [3.0]], np.float32)
    np.testing.assert_array_equal(predict_probabilities(model, x), sigmoid(x))


def test_outputs_depend_on_the_task(identity):
    np.testing.assert_array_equal(predict_outputs(identity, X, get_task("multilabel")), sigmoid(X))
    values = predict_outputs(identity, X, get_task("regression"))
    np.testing.assert_array_equal(values, X)
    assert values.dtype == np.float64


def test_inputs_may_be_a_list_of_rows(identity):
    x = [[1.0, 2, 3], [4, 5, 6]]
    np.testing.assert_array_equal(predict_logits(identity, x), np.float32(x))
    with pytest.raises(ValueError, match="x is a list of 2 rows that are not arrays of numbers"):
        predict_logits(identity, [[1.0, 2, 3], [4.0]])
    with pytest.raises(ValueError, match="x is a list of 1 rows that are not arrays of numbers"):
        predict_logits(identity, [["a", "b", "c"]])
    with pytest.raises(ValueError, match="x has no rows"):
        predict_logits(identity, [])
