"""XOR with weights set by hand."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR = np.array([0, 1, 1, 0], "float32")


@pytest.mark.parametrize("classes", [1, 2])
def test_weights_set_by_hand_compute_xor_exactly(classes):
    logits = np.asarray(kn.build("xor", by_hand=True, classes=classes)(POINTS))
    np.testing.assert_array_equal(logits, np.stack([1 - XOR, XOR], axis=1)[:, -classes:])


def test_a_single_logit_takes_nine_parameters():
    assert kn.build("xor", classes=1).count_params() == 9


def test_no_net_of_one_relu_unit_computes_xor():
    """One unit h = relu(w·x + b) cannot separate (0,0) and (1,1) from (0,1) and (1,0).

    It would need the same value on both points of a pair, and different values on the two pairs.
    Before the ReLU both pairs have the same mean. So the distance between the pairs is never
    larger than the distance between the two points of a pair.
    """
    rng = np.random.default_rng(0)
    weights, biases = rng.normal(size=(100_000, 2)), rng.normal(size=(100_000, 1))
    h = np.maximum(weights @ POINTS.T + biases, 0)
    spread_of_pairs = np.abs(h[:, [0, 1]] - h[:, [3, 2]]).max(axis=1)
    distance = np.abs(h[:, 0] - h[:, 1])
    assert (distance <= spread_of_pairs + 1e-12).all()
