"""The inputs a model is verified on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasnets._lazy import keras
from kerasnets.exporting.reference import as_samples, write_reference
from kerasnets.exporting.signature import Served, serve


def sequence_model(kernel_size: int = 1) -> Served:
    visits = keras.Input((None, 2), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    x = keras.layers.Conv1D(3, kernel_size)(visits)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = x * keras.ops.cast(keras.ops.expand_dims(length, 1), "float32")
    return serve(keras.Model({"visits": visits, "length": length}, x))


def test_drawn_lengths_fit_the_drawn_time() -> None:
    drawn = as_samples(sequence_model(), None)
    time = drawn["visits"].shape[1]
    assert drawn["length"].dtype == np.int32
    assert set(drawn["length"]) == set(range(1, time + 1))
    assert drawn["visits"].dtype == np.float32


def test_a_free_time_axis_is_shortened_and_the_lengths_with_it(tmp_path: Path) -> None:
    samples = {"visits": np.ones((3, 8, 2)), "length": np.array([8, 3, 1])}
    cases = write_reference(sequence_model(), samples, tmp_path / "r.npz")
    assert cases[-2:] == ["batch-2-time-1", "batch-2-time-4"]
    with np.load(tmp_path / "r.npz") as stored:
        assert stored["batch-2-time-4/inputs/visits"].shape == (2, 4, 2)
        np.testing.assert_array_equal(stored["batch-2-time-4/inputs/length"], [4, 3])
        np.testing.assert_array_equal(stored["batch-2-time-1/inputs/length"], [1, 1])
        # Three examples fill seven rows in turn.
        np.testing.assert_array_equal(stored["batch-7/inputs/length"], [8, 3, 1, 8, 3, 1, 8])


def test_lengths_too_short_for_the_model_itself_are_left_out(tmp_path: Path) -> None:
    samples = {"visits": np.ones((3, 8, 2)), "length": np.array([8, 3, 1])}
    cases = write_reference(sequence_model(kernel_size=3), samples, tmp_path / "r.npz")
    assert "batch-2-time-4" in cases
    assert "batch-2-time-1" not in cases


def test_a_fixed_time_axis_is_left_alone(tmp_path: Path) -> None:
    x = keras.Input((6, 2), name="x")
    served = serve(keras.Model(x, keras.layers.Flatten()(x)))
    cases = write_reference(served, None, tmp_path / "r.npz")
    assert cases == ["batch-1", "batch-2", "batch-7", "batch-64"]
