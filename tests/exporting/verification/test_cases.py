"""The cases of verification: batch sizes, steps, lengths, masks and padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.signature import serve
from kerasnets.exporting.verification.cases import mask_value, verification_cases
from tests.exporting.verification.helpers import SAMPLES, layers, reference, sequence_model

KINDS = ("nan", "inf", "-inf")


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


def test_cases_with_too_few_steps_for_the_model_are_left_out(tmp_path: Path) -> None:
    cases = reference(sequence_model(kernel_size=3), SAMPLES, tmp_path)
    assert "batch-2-steps-4" in cases
    assert "batch-2-steps-3" in cases
    assert "batch-2-steps-1" not in cases


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
    total = length + 0 * keras.ops.sum(words, axis=1)
    cases = reference(serve(keras.Model([words, length], total)), None, tmp_path)
    assert cases["padded-with-nan"][0]["words"].dtype == np.int32


def test_two_rows_have_every_kind_of_invalid_value(tmp_path: Path) -> None:
    net = kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,))
    samples = {"visits": np.ones((2, 5, 2), "float32"), "length": np.array([5, 3], "int32")}
    found = list(verification_cases(serve(net), samples, largest=2, guarded=True))
    invalid = {case.name: case for case in found if case.invalid_rows}
    assert {case.invalid_rows for case in invalid.values()} == {(1,)}
    assert {name: case.inputs["length"][1] for name, case in invalid.items()} == {
        "invalid-values-nan": 3,
        "invalid-values-inf": 3,
        "invalid-values--inf": 3,
        "invalid-length-above": 6,
        "invalid-length-negative": -1,
        "invalid-length-max": 2**31 - 1,
    }
    values = [invalid[f"invalid-values-{kind}"].inputs["visits"][1, 0, 0] for kind in KINDS]
    np.testing.assert_array_equal(values, [np.nan, np.inf, -np.inf])
    assert {len(case.inputs["length"]) for case in found} == {0, 1, 2}
