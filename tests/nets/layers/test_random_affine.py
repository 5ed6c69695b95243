"""Random rotation, scale, shear and shift: in training only, seeded, within their bounds."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.nets.layers.random_affine import RandomAffine

SIZE = 21


def dot(row, column):
    """One image with a square of 3 × 3 ones around a pixel."""
    image = np.zeros((1, SIZE, SIZE, 1), "float32")
    image[0, row - 1 : row + 2, column - 1 : column + 2] = 1
    return image


def center(image):
    """The row and column of the center of mass of an image."""
    weights = np.asarray(image)[..., 0]
    places = np.indices(weights.shape)
    return [float((place * weights).sum() / weights.sum()) for place in places]


def many(layer, image, times=200):
    return np.asarray(layer(np.repeat(image, times, axis=0), training=True))


def test_inference_and_amounts_of_0_do_not_change_images():
    images = np.random.default_rng(0).random((3, SIZE, SIZE, 2), "float32")
    np.testing.assert_array_equal(RandomAffine(90, 1, 1, 5)(images), images)
    np.testing.assert_array_equal(RandomAffine()(images, training=True), images)


def test_each_image_is_shifted_independently_up_to_the_bound():
    moved = np.array([center(image) for image in many(RandomAffine(shift=4, seed=1), dot(10, 10))])
    offsets = moved - 10
    assert np.abs(offsets).max() <= 4 + 1e-4
    assert (np.ptp(offsets, axis=0) > 7).all()
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 0.2


def test_rotation_keeps_the_distance_from_the_center_and_stays_within_the_bound():
    places = np.array(
        [center(image) for image in many(RandomAffine(rotation=30, seed=2), dot(3, 10))]
    )
    rows, columns = places.T - 10
    np.testing.assert_allclose(np.hypot(rows, columns), 7, atol=0.1)
    angles = np.degrees(np.arctan2(columns, -rows))
    assert np.abs(angles).max() <= 30.5
    assert np.ptp(angles) > 55


@pytest.mark.parametrize(("amounts", "fixed"), [({"scale": 0.2}, 10), ({"shear": 0.3}, 3)])
def test_scale_and_shear_stay_within_their_bounds(amounts, fixed):
    rows, columns = np.array(
        [center(image) for image in many(RandomAffine(seed=3, **amounts), dot(3, 10))]
    ).T
    if "scale" in amounts:  # a point 7 pixels above the center moves to 7 / factor
        np.testing.assert_allclose(columns, fixed, atol=1e-3)
        assert 7 * np.exp(-0.2) - 0.1 <= (10 - rows).min() < (10 - rows).max() <= 7 * np.exp(0.2)
    else:  # every row moves to the side by its distance from the center
        np.testing.assert_allclose(rows, fixed, atol=1e-3)
        assert 1.8 < np.abs(columns - 10).max() <= 0.3 * 7 + 1e-3


def test_pixels_from_outside_the_image_are_0():
    moved = many(RandomAffine(shift=15, seed=4), np.ones((1, SIZE, SIZE, 1), "float32"))
    assert moved.min() == 0
    assert moved.max() == 1


def test_equal_seeds_return_equal_results():
    first, again, other = (many(RandomAffine(20, 0.2, seed=s), dot(3, 7), 5) for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_configuration_restores_the_layer():
    layer = RandomAffine(10, 0.1, 0.2, 3, seed=7, name="augment")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(many(again, dot(8, 8), 3), many(layer, dot(8, 8), 3))
