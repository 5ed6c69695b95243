from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from kerasnets.data import Dataset, Split, load_data
from kerasnets.data.figures.images import example_images


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data("digits")


def test_the_first_images_are_in_order_with_their_labels(digits):
    figure = example_images(digits, count=12, columns=5)
    assert len(figure.axes) == 15
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == list(map(str, digits.train.y[:12]))
    for axes, image in zip(shown, digits.train.x, strict=False):
        assert np.array_equal(axes.images[0].get_array(), image[..., 0])
    assert {axes.images[0].get_clim() for axes in shown} == {(0, 255)}
    text = " ".join(text.get_text() for text in figure.texts)
    assert "First images of digits" in text
    assert "12 of 1,078" in text


def test_a_split_with_fewer_images_is_shown_completely(digits):
    few = dataclasses.replace(digits, train=Split(digits.train.x[:3], digits.train.y[:3]))
    assert len(example_images(few).axes) == 3


@pytest.mark.parametrize("numbers", [{"count": 0}, {"columns": 0}, {"count": -2}])
def test_counts_of_zero_are_refused(digits, numbers):
    with pytest.raises(ValueError, match="count and columns must be 1 or more"):
        example_images(digits, **numbers)


def test_inputs_that_are_not_images_are_refused():
    with pytest.raises(
        ValueError, match=r"shape \(n, rows, columns, 1\), got float32 \(345, 178\)"
    ):
        example_images(load_data("seizure-simulated", recordings_per_class=5, split="row"))
