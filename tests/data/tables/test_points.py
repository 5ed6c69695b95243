from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data import Dataset, list_datasets, load_data

NAMES = ["xor-simulated", "circle-simulated", "spiral-simulated", "gaussians-simulated"]


def points(name: str, **options: object) -> tuple[np.ndarray, np.ndarray, Dataset]:
    data = load_data(name, **options)
    x = np.concatenate([part.x for part in data.splits.values()])
    return x, np.concatenate([part.y for part in data.splits.values()]), data


@pytest.mark.parametrize("name", NAMES)
def test_half_of_the_points_are_in_each_class(name):
    assert name in list_datasets()
    x, y, data = points(name, points=100)
    assert x.shape == (100, 2)
    assert np.bincount(y).tolist() == [50, 50]
    assert data.feature_names == ("x1", "x2")
    assert data.simulated
    assert points(name, points=100)[2].checksum == data.checksum
    assert points(name, points=100, generator_seed=1)[2].checksum != data.checksum


def test_xor_without_noise_is_its_truth_table():
    x, y, _ = points("xor-simulated", noise=0)
    assert set(x.flat) == {0, 1}
    assert np.array_equal(y, x[:, 0] != x[:, 1])
    assert len(np.unique(x, axis=0)) == 4


def test_a_circle_between_disc_and_ring_separates_them():
    x, y, _ = points("circle-simulated", noise=0)
    assert np.array_equal(y == 1, np.hypot(*x.T) < 0.65)


def test_the_spirals_are_the_same_rotated_by_half_a_turn():
    x, y, _ = points("spiral-simulated", noise=0)
    radius = np.hypot(*x.T)
    rotation = np.mod(np.arctan2(x[:, 1], x[:, 0]) - 3 * np.pi * radius, 2 * np.pi)
    np.testing.assert_allclose(np.cos(rotation), np.where(y, -1, 1), atol=1e-4)


def test_the_clouds_lie_left_and_right():
    x, y, _ = points("gaussians-simulated", points=2_000)
    np.testing.assert_allclose(x[y == 1].mean(axis=0), [1, 0], atol=0.06)
    np.testing.assert_allclose(x[y == 0].mean(axis=0), [-1, 0], atol=0.06)
    np.testing.assert_allclose(x[y == 0].std(axis=0), 0.5, atol=0.04)


@pytest.mark.parametrize("options", [{"points": 5}, {"points": 10.0}, {"noise": -1}])
def test_invalid_options_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        load_data("xor-simulated", **options)
