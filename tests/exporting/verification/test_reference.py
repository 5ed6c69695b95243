"""The content of ``reference.npz`` for models with lengths, masks and fixed steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.samples import Arrays, as_samples, random_samples
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.cases import mask_value
from kerasnets.exporting.verification.reference import write_reference

import_tensorflow()
layers = keras.layers
SAMPLES = {"visits": np.ones((3, 8, 2)), "length": np.array([8, 3, 1])}


def sequence_model(kernel_size: int = 1) -> Served:
    visits = keras.Input((None, 2), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    x = layers.Conv1D(3, kernel_size)(visits)
    x = layers.GlobalAveragePooling1D()(x)
    x = x * keras.ops.cast(keras.ops.expand_dims(length, 1), "float32")
    return serve(keras.Model({"visits": visits, "length": length}, x))


def reference(served: Served, samples: object, folder: Path) -> dict[str, tuple[Arrays, Arrays]]:
    """The cases as they are read back."""
    given = random_samples(served) if samples is None else as_samples(served, samples)
    names = write_reference(served, given, folder / "r.npz")
    cases = runtimes.read_reference(folder / "r.npz")
    assert sorted(cases) == sorted(names)
    return cases


def test_every_batch_size_has_every_length(tmp_path: Path) -> None:
    cases = reference(sequence_model(), SAMPLES, tmp_path)
    for size in (1, 2, 7, 64):
        for length in (0, 1, 4, 8):
            inputs, _ = cases[f"batch-{size}-length-{length}"]
            np.testing.assert_array_equal(inputs["length"], np.full(size, length))
            assert inputs["visits"].shape == (size, 8, 2)
        for steps in (1, 4):
            inputs, _ = cases[f"batch-{size}-steps-{steps}"]
            assert inputs["visits"].shape == (size, steps, 2)
            assert inputs["length"].max() <= steps
    # Three examples repeat to fill seven rows.
    np.testing.assert_array_equal(cases["batch-7"][0]["length"], [8, 3, 1, 8, 3, 1, 8])


def test_equal_arrays_are_stored_once(tmp_path: Path) -> None:
    reference(sequence_model(), SAMPLES, tmp_path)
    with np.load(tmp_path / "r.npz") as stored:
        assert "batch-64/inputs/visits" in stored.files
        assert "batch-64-length-4/inputs/visits" not in stored.files


def test_cases_with_too_few_steps_for_the_model_are_left_out(tmp_path: Path) -> None:
    cases = reference(sequence_model(kernel_size=3), SAMPLES, tmp_path)
    assert "batch-2-steps-4" in cases
    assert "batch-2-steps-1" not in cases


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


def test_masked_cases_mask_steps_in_every_pattern(tmp_path: Path) -> None:
    x = keras.Input((None, 2), name="x")
    served = serve(keras.Model(x, layers.GRU(3)(layers.Masking(-5.0)(x))))
    assert mask_value(served.model) == -5
    cases = reference(served, {"x": np.ones((7, 5, 2))}, tmp_path)
    masked = {
        "holes": [0, 1, 0, 1, 0],
        "right": [0, 0, 0, 1, 1],
        "left": [1, 1, 0, 0, 0],
        "one-step": [1, 1, 0, 1, 1],
        "all": [1, 1, 1, 1, 1],
    }
    for kind, steps in masked.items():
        array = cases[f"masked-{kind}"][0]["x"]
        np.testing.assert_array_equal(array[0, :, 0] == -5, np.array(steps, bool))
        np.testing.assert_array_equal(array[1], np.ones((5, 2)))


def test_an_embedding_masks_with_0(tmp_path: Path) -> None:
    words = keras.Input((None,), dtype="int32", name="words")
    model = keras.Model(words, layers.LSTM(2)(layers.Embedding(9, 3, mask_zero=True)(words)))
    cases = reference(serve(model), {"words": np.full((7, 4), 8)}, tmp_path)
    np.testing.assert_array_equal(cases["masked-right"][0]["words"][0], [8, 8, 0, 0])


def test_a_fixed_number_of_steps_has_no_shorter_cases(tmp_path: Path) -> None:
    x = keras.Input((6, 2), name="x")
    cases = reference(serve(keras.Model(x, layers.Flatten()(x))), None, tmp_path)
    assert list(cases) == ["batch-1", "batch-2", "batch-7", "batch-64"]


def test_integers_are_padded_with_integers(tmp_path: Path) -> None:
    words = keras.Input((None,), dtype="int32", name="words")
    length = keras.Input((), dtype="int32", name="length")
    total = keras.ops.sum(keras.ops.expand_dims(length, 1), 1)
    cases = reference(serve(keras.Model([words, length], total)), None, tmp_path)
    assert cases["padded-with-nan"][0]["words"].dtype == np.int32


@pytest.mark.parametrize("name", ["mortality-gru", "mortality-lstm"])
def test_mortality_nets_pass_every_case(name: str, tmp_path: Path) -> None:
    net = kn.build(name, features=3, units=(3,), dense_units=(2,))
    folder = kn.export(net, tmp_path / "net", verify=False)
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


@pytest.mark.parametrize("build", [masking_net, embedding_net])
def test_every_masked_case_is_verified_in_every_runtime(build: object, tmp_path: Path) -> None:
    folder = kn.export(build(), tmp_path / "net", verify=False)
    masked = [case for case in runtimes.read_reference(folder / "reference.npz") if "mask" in case]
    assert len(masked) == 5
    report = runtimes.check(folder, 1e-5)
    assert report.failures == []
    assert {"onnx", "saved_model", "keras"} <= set(report.max_abs_diff)
