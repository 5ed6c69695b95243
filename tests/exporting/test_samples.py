"""Inputs that are drawn: they look like the examples and are none of them."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.samples import random_samples
from kerasnets.exporting.signature import Served, serve


def visits_net(features: int = 4) -> Served:
    return serve(kn.build("mortality-gru", features=features, units=(2,), dense_units=(2,)))


def test_drawn_lengths_fit_the_drawn_time() -> None:
    drawn = random_samples(visits_net())
    time = drawn["visits"].shape[1]
    assert drawn["length"].dtype == np.int32
    assert set(drawn["length"]) == set(range(1, time + 1))
    assert drawn["visits"].dtype == np.float32


def test_codes_stay_codes_of_the_same_frequency() -> None:
    rng = np.random.default_rng(5)
    visits = (rng.random((32, 9, 50)) < 0.1).astype("float32")
    length = np.full(32, 9, "int32")
    drawn = random_samples(visits_net(50), {"visits": visits, "length": length})
    assert drawn["visits"].shape == (64, 9, 50)
    assert set(np.unique(drawn["visits"])) == {0, 1}
    # 28,800 draws: three standard deviations are 0.0053.
    assert drawn["visits"].mean() == pytest.approx(visits.mean(), abs=0.006)
    assert drawn["length"].max() == 9


def test_images_stay_between_their_lowest_and_highest_pixel() -> None:
    served = serve(kn.build("lenet5"))
    images = np.random.default_rng(1).integers(0, 256, (32, 28, 28, 1)).astype("float32")
    drawn = random_samples(served, images)["image"]
    assert drawn.shape == (64, 28, 28, 1)
    assert 0 <= drawn.min() <= drawn.max() <= 255
    assert drawn.mean() == pytest.approx(images.mean(), rel=0.05)


def test_whole_numbers_stay_in_range() -> None:
    words = keras.Input((None,), dtype="int32", name="words")
    served = serve(keras.Model(words, keras.layers.Embedding(9, 3)(words)))
    drawn = random_samples(served, {"words": np.array([[2, 3, 8]], "int32")})["words"]
    assert drawn.shape == (64, 3)
    assert set(np.unique(drawn)) <= set(range(2, 9))


def test_examples_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 7\); the model takes \(None, 178\)"):
        random_samples(serve(kn.build("seizure-mlp")), np.zeros((3, 7)))
