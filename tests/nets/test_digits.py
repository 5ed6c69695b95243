"""How the digit nets prepare images, and the parameter counts that S3 and S4 state."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasnets as kn

DIGIT_NETS = sorted(name for name in kn.list_nets() if kn.describe(name).data == "mnist")


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("lenet5", 61_706),
        ("digit-mlp-tanh", 280_058),
        ("digit-mlp-1", 79_510),
        ("digit-mlp-3", 622_010),
        ("digit-cnn", 61_546),
    ],
)
def test_parameter_counts_that_s3_and_s4_state(name, stated):
    assert kn.profile(kn.build(name)).trainable_params == stated


@pytest.mark.parametrize("name", DIGIT_NETS)
def test_pixels_from_0_to_255_are_scaled_to_0_to_1(name):
    net = kn.build(name)
    assert net.inputs[0].name == "image"
    assert net.input_shape == (None, 28, 28, 1)
    scaled = keras.Model(net.input, net.get_layer("from_0_to_1").output)
    pixels = np.array([0, 51, 255], "float32").repeat([700, 50, 34]).reshape(1, 28, 28, 1)
    np.testing.assert_allclose(scaled(pixels), pixels / 255, rtol=1e-6)


@pytest.mark.parametrize("name", ["lenet5", "digit-mlp-tanh"])
@pytest.mark.parametrize(("size", "before", "after"), [(28, 2, 2), (27, 2, 3), (32, 0, 0)])
def test_the_frame_adds_background_around_the_image(name, size, before, after):
    net = kn.build(name, size=size)
    names = [layer.name for layer in net.layers]
    assert ("frame" in names) == (size < 32)
    if size < 32:
        framed = keras.Model(net.input, net.get_layer("frame").output)
        image = np.full((1, size, size, 1), 255, "float32")
        expected = np.pad(image / 255, ((0, 0), (before, after), (before, after), (0, 0)))
        np.testing.assert_array_equal(framed(image), expected)


def test_images_larger_than_the_frame_are_refused():
    with pytest.raises(ValueError, match="40 × 40 pixels does not fit a frame of 32 × 32"):
        kn.build("lenet5", size=40)


def test_the_convolutions_of_lenet5_end_with_a_single_pixel():
    assert kn.build("lenet5").get_layer("conv_3").output.shape == (None, 1, 1, 120)


def test_digit_mlp_2_has_no_more_hidden_units_than_s4_allows():
    units = kn.describe("digit-mlp-2").arguments["units"]
    assert len(units) == 2
    assert sum(units) <= 200
