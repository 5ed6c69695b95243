"""kerasnets.evaluation.outputs: softmax, sigmoid, and the columns of two classes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from kerasnets.evaluation.outputs import (
    both_classes,
    finite_outputs,
    second_class,
    sigmoid,
    softmax,
)


def test_softmax_equals_its_definition_also_for_large_logits():
    logits = np.array([[0.0, 1.0, 2.0], [1000.0, 1001.0, 1002.0], [-1000.0, -999.0, -998.0]])
    row = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    np.testing.assert_allclose(softmax(logits), [row] * 3, rtol=1e-14)
    assert softmax(logits.astype(np.float32)).dtype == np.float64
    many = np.random.default_rng(0).normal(0, 10, (1000, 7))
    np.testing.assert_array_equal(softmax(many), special.softmax(many, axis=-1))


def test_sigmoid_equals_its_definition_also_for_large_logits():
    logits = np.array([[-1.5, 0.0], [2.5, 40.0], [1000.0, -1000.0]])
    expected = [[1 / (1 + np.exp(1.5)), 0.5], [1 / (1 + np.exp(-2.5)), 1 / (1 + np.exp(-40))]]
    np.testing.assert_allclose(sigmoid(logits), [*expected, [1, 0]], rtol=1e-14)
    assert sigmoid(logits.astype(np.float16)).dtype == np.float64


@pytest.mark.parametrize("function", [softmax, sigmoid, finite_outputs])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(function, bad):
    with pytest.raises(ValueError, match="1 of 2 rows have NaN or infinite"):
        function(np.array([[0.0, 1.0], [0.0, bad]]))


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_one_column_is_the_second_class(shape):
    p = np.array([0.1, 0.5, 0.75]).reshape(shape)
    assert second_class(p).tolist() == [0.1, 0.5, 0.75]
    assert both_classes(p).tolist() == [[0.9, 0.1], [0.5, 0.5], [0.25, 0.75]]


def test_the_second_class_is_the_last_of_two_columns():
    assert second_class(np.array([[0.9, 0.1], [0.25, 0.75]])).tolist() == [0.1, 0.75]
