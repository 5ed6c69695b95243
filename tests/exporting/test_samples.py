"""Random inputs that resemble the examples."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.samples import random_samples
from kerasnets.exporting.signature import Served, serve


def visits_net(features: int = 4) -> Served:
    return serve(kn.build("mortality-gru", features=features, units=(2,), dense_units=(2,)))


def test_lengths_do_not_exceed_the_number_of_steps() -> None:
    samples = random_samples(visits_net())
    time = samples["visits"].shape[1]
    assert samples["length"].dtype == np.int32
    assert set(samples["length"]) == set(range(1, time + 1))
    assert samples["visits"].dtype == np.float32


def test_zeros_and_ones_keep_their_frequency() -> None:
    rng = np.random.default_rng(5)
    visits = (rng.random((32, 9, 50)) < 0.1).astype("float32")
    length = np.full(32, 9, "int32")
    samples = random_samples(visits_net(50), {"visits": visits, "length": length})
    assert samples["visits"].shape == (64, 9, 50)
    assert set(np.unique(samples["visits"])) == {0, 1}
    # For 28,800 values, three standard deviations are 0.0053.
    assert samples["visits"].mean() == pytest.approx(visits.mean(), abs=0.006)
    assert samples["length"].max() == 9


def test_values_stay_in_the_range_of_the_examples() -> None:
    served = serve(kn.build("lenet5"))
    images = np.random.default_rng(1).integers(0, 256, (32, 28, 28, 1)).astype("float32")
    samples = random_samples(served, images)["image"]
    assert samples.shape == (64, 28, 28, 1)
    assert 0 <= samples.min() <= samples.max() <= 255
    assert samples.mean() == pytest.approx(images.mean(), rel=0.05)


def test_integers_stay_integers_in_range() -> None:
    words = keras.Input((None,), dtype="int32", name="words")
    served = serve(keras.Model(words, keras.layers.Embedding(9, 3)(words)))
    samples = random_samples(served, {"words": np.array([[2, 3, 8]], "int32")})["words"]
    assert samples.shape == (64, 3)
    assert set(np.unique(samples)) <= set(range(2, 9))


def test_examples_that_do_not_fit_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 7\); the model takes \(None, 178\)"):
        random_samples(serve(kn.build("seizure-mlp")), np.zeros((3, 7)))
