"""XOR, by hand and exactly."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR = np.array([0, 1, 1, 0], "float32")


@pytest.mark.parametrize("classes", [1, 2])
def test_the_weights_by_hand_compute_xor_exactly(classes):
    logits = np.asarray(kn.build("xor", by_hand=True, classes=classes)(POINTS))
    np.testing.assert_array_equal(logits, np.stack([1 - XOR, XOR], axis=1)[:, -classes:])


def test_nine_parameters_do():
    assert kn.build("xor", classes=1).count_params() == 9


def test_no_net_of_one_relu_unit_computes_xor():
    """One unit h = relu(w·x + b) cannot tell the pair (0,0), (1,1) from the pair (0,1), (1,0).

    It would need one value on each pair and another value on the other. But before the ReLU both
    pairs have the same mean, so the pairs are never further apart than a pair's own two values.
    """
    rng = np.random.default_rng(0)
    weights, biases = rng.normal(size=(100_000, 2)), rng.normal(size=(100_000, 1))
    h = np.maximum(weights @ POINTS.T + biases, 0)
    spread_of_pairs = np.abs(h[:, [0, 1]] - h[:, [3, 2]]).max(axis=1)
    distance = np.abs(h[:, 0] - h[:, 1])
    assert (distance <= spread_of_pairs + 1e-12).all()
