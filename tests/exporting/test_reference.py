"""The inputs a model is verified on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting import _runtimes
from kerasnets.exporting.reference import Arrays, as_samples, write_reference
from kerasnets.exporting.signature import Served, serve


def sequence_model(kernel_size: int = 1) -> Served:
    visits = keras.Input((None, 2), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    x = keras.layers.Conv1D(3, kernel_size)(visits)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = x * keras.ops.cast(keras.ops.expand_dims(length, 1), "float32")
    return serve(keras.Model({"visits": visits, "length": length}, x))


def with_samples(served: Served, samples: object = None) -> tuple[Served, Arrays]:
    return served, as_samples(served, samples)


def test_drawn_lengths_fit_the_drawn_time() -> None:
    drawn = as_samples(sequence_model(), None)
    time = drawn["visits"].shape[1]
    assert drawn["length"].dtype == np.int32
    assert set(drawn["length"]) == set(range(1, time + 1))
    assert drawn["visits"].dtype == np.float32


def test_a_free_time_axis_is_shortened_and_the_lengths_with_it(tmp_path: Path) -> None:
    samples = {"visits": np.ones((3, 8, 2)), "length": np.array([8, 3, 1])}
    cases = write_reference(*with_samples(sequence_model(), samples), tmp_path / "r.npz")
    assert cases[4:6] == ["time-1", "time-4"]
    with np.load(tmp_path / "r.npz") as stored:
        assert stored["time-4/inputs/visits"].shape == (2, 4, 2)
        np.testing.assert_array_equal(stored["time-4/inputs/length"], [4, 3])
        np.testing.assert_array_equal(stored["time-1/inputs/length"], [1, 1])
        # Three examples fill seven rows in turn.
        np.testing.assert_array_equal(stored["batch-7/inputs/length"], [8, 3, 1, 8, 3, 1, 8])


def test_lengths_too_short_for_the_model_itself_are_left_out(tmp_path: Path) -> None:
    samples = {"visits": np.ones((3, 8, 2)), "length": np.array([8, 3, 1])}
    cases = write_reference(
        *with_samples(sequence_model(kernel_size=3), samples), tmp_path / "r.npz"
    )
    assert "time-4" in cases
    assert "time-1" not in cases


def test_every_length_is_tried(tmp_path: Path) -> None:
    samples = {"visits": np.ones((3, 8, 2)), "length": np.array([8, 3, 1])}
    cases = write_reference(*with_samples(sequence_model(), samples), tmp_path / "r.npz")
    assert [case for case in cases if case.startswith("length")] == [
        "length-1",
        "length-4",
        "length-8",
    ]
    with np.load(tmp_path / "r.npz") as stored:
        np.testing.assert_array_equal(stored["length-4/inputs/length"], [4, 4])
        assert stored["length-4/inputs/visits"].shape == (2, 8, 2)


def test_padding_is_measured_against_the_outputs_without_it(tmp_path: Path) -> None:
    net = kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,))
    visits = np.random.default_rng(0).normal(size=(7, 5, 2)).astype("float32")
    samples = {"visits": visits, "length": np.array([5, 3, 1, 2, 4, 5, 1], "int32")}
    write_reference(*with_samples(serve(net), samples), tmp_path / "r.npz")
    with np.load(tmp_path / "r.npz") as stored:
        padded = stored["padded-with-1000/inputs/visits"]
        assert padded.shape == (7, 8, 2)
        for row, length in enumerate(samples["length"]):
            np.testing.assert_array_equal(padded[row, :length], visits[row, :length])
            assert (padded[row, length:] == 1000).all()
        np.testing.assert_array_equal(
            stored["padded-with-1000/outputs/logits"], stored["batch-7/outputs/logits"]
        )


def test_a_model_that_looks_at_padding_fails_verification(tmp_path: Path) -> None:
    folder = kn.export(sequence_model().model, tmp_path / "net", formats="onnx", verify=False)
    failures = _runtimes.check(folder, 1e-5).failures
    for case in ("padded-with-0", "padded-with-1000"):
        assert any(f"of {case} differs from Keras" in failure for failure in failures)


def test_a_fixed_time_axis_is_left_alone(tmp_path: Path) -> None:
    x = keras.Input((6, 2), name="x")
    served = serve(keras.Model(x, keras.layers.Flatten()(x)))
    cases = write_reference(*with_samples(served), tmp_path / "r.npz")
    assert cases == ["batch-1", "batch-2", "batch-7", "batch-64"]
