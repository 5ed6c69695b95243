"""The content of ``reference.npz``, and models that must reproduce it in every runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.signature import serve
from kerasnets.exporting.verification import runtimes
from tests.exporting.verification.helpers import SAMPLES, layers, reference, sequence_model


def test_every_array_has_its_own_name(tmp_path: Path) -> None:
    cases = reference(sequence_model(), SAMPLES, tmp_path)
    with np.load(tmp_path / "r.npz") as stored:
        assert set(stored.files) == {
            f"{case}/{side}/{name}"
            for case, sides in cases.items()
            for side, arrays in zip(("inputs", "outputs"), sides, strict=True)
            for name in arrays
        }


@pytest.mark.parametrize(
    ("names", "largest"),
    [
        (["batch-1", "batch-64", "batch-7", "batch-64-steps-1", "batch-0"], "batch-64"),
        (["batch-9", "batch-10", "batch-١٢", "batch-" + "9" * 5000, "padded"], "batch-10"),
    ],
)
def test_the_largest_case(names: list[str], largest: str) -> None:
    assert runtimes.largest_case(names) == largest


def test_a_file_of_an_older_export_with_aliases_is_read(tmp_path: Path) -> None:
    ones = np.ones((2, 3))
    same = '{"b/outputs/y": "a/inputs/x"}'
    np.savez(tmp_path / "r.npz", **{"a/inputs/x": ones, "same": same})
    cases = runtimes.read_reference(tmp_path / "r.npz")
    np.testing.assert_array_equal(cases["b"][1]["y"], ones)


def test_no_rows_and_invalid_rows(tmp_path: Path) -> None:
    net = kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,))
    visits = np.random.default_rng(0).normal(size=(7, 5, 2)).astype("float32")
    samples = {"visits": visits, "length": np.array([5, 3, 1, 2, 4, 5, 1], "int32")}
    cases = reference(serve(net), samples, tmp_path, guarded=True)
    inputs, outputs = cases["batch-0"]
    assert inputs["visits"].shape == (0, 5, 2)
    assert outputs["logits"].shape == (0, 2)
    inputs, outputs = cases["invalid-values"]
    bad = ~np.isfinite(inputs["visits"]).all(axis=(1, 2))
    assert bad.tolist() == [False, True, False, True, False, True, False]
    assert np.isnan(outputs["logits"][bad]).all()
    np.testing.assert_array_equal(outputs["logits"][~bad], cases["batch-7"][1]["logits"][~bad])
    inputs, outputs = cases["invalid-length"]
    bad = (inputs["length"] < 0) | (inputs["length"] > 5)
    assert bad.sum() == 3
    assert np.isnan(outputs["probabilities"][bad]).all()
    assert np.isfinite(outputs["probabilities"][~bad]).all()


def test_cases_with_undefined_outputs_for_length_0_are_left_out(tmp_path: Path) -> None:
    length = keras.Input((), dtype="int32", name="length")
    visits = keras.Input((3, 2), name="visits")
    mean = keras.ops.sum(visits, (1, 2)) / keras.ops.cast(length, "float32")
    cases = reference(serve(keras.Model([visits, length], mean)), None, tmp_path)
    assert "batch-1-length-1" in cases
    assert "batch-1-length-0" not in cases


def test_padded_cases_expect_the_outputs_without_padding(tmp_path: Path) -> None:
    net = kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,))
    visits = np.random.default_rng(0).normal(size=(7, 5, 2)).astype("float32")
    samples = {"visits": visits, "length": np.array([5, 3, 1, 2, 4, 5, 1], "int32")}
    cases = reference(serve(net), samples, tmp_path)
    for name, fill in (("0", 0), ("1000", 1000), ("nan", np.nan), ("first-value", visits[0, 0, 0])):
        inputs, outputs = cases[f"padded-with-{name}"]
        padded = inputs["visits"]
        assert padded.shape == (7, 8, 2)
        for row, length in enumerate(samples["length"]):
            np.testing.assert_array_equal(padded[row, :length], visits[row, :length])
            np.testing.assert_array_equal(padded[row, length:], np.full((8 - length, 2), fill))
        np.testing.assert_array_equal(outputs["logits"], cases["batch-7"][1]["logits"])


def test_a_model_that_depends_on_padding_fails_verification(tmp_path: Path) -> None:
    folder = kn.export(sequence_model().model, tmp_path / "net", formats="onnx", verify=False)
    failures = runtimes.check(folder, 1e-5).failures
    for case in ("padded-with-0", "padded-with-1000"):
        assert any(f"of {case} differs from Keras" in failure for failure in failures)


@pytest.mark.parametrize("name", ["mortality-gru", "mortality-lstm"])
def test_mortality_nets_pass_every_case(name: str, tmp_path: Path) -> None:
    net = kn.build(name, features=3, units=(3,), dense_units=(2,))
    visits = np.random.default_rng(0).normal(size=(64, 5, 3))
    samples = {"visits": visits, "length": np.arange(64, dtype="int32") % 5 + 1}
    folder = kn.export(net, tmp_path / "net", samples=samples, verify=False)
    report = runtimes.check(folder, 1e-5)
    assert report.failures == []
    assert max(report.max_abs_diff.values()) < 1e-6


def masking_net() -> keras.Model:
    x = keras.Input((None, 2), name="x")
    hidden = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(layers.Masking(-5.0)(x))
    return keras.Model(x, layers.Dense(2, name="logits")(layers.GRU(3)(hidden)))


def embedding_net() -> keras.Model:
    words = keras.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(9, 3, mask_zero=True)(words)
    return keras.Model(words, layers.Dense(1, name="logits")(layers.SimpleRNN(3)(x)))


SIGNALS = np.random.default_rng(0).normal(size=(64, 5, 2))
WORDS = np.random.default_rng(0).integers(1, 9, (64, 5), "int32")


@pytest.mark.parametrize(("build", "samples"), [(masking_net, SIGNALS), (embedding_net, WORDS)])
def test_every_masked_case_is_verified_in_every_runtime(
    build: Callable[[], keras.Model], samples: np.ndarray, tmp_path: Path
) -> None:
    folder = kn.export(build(), tmp_path / "net", samples=samples, verify=False)
    masked = [case for case in runtimes.read_reference(folder / "reference.npz") if "mask" in case]
    assert len(masked) == 5
    report = runtimes.check(folder, 1e-5)
    assert report.failures == []
    assert {"onnx", "saved_model", "keras"} <= set(report.max_abs_diff)
