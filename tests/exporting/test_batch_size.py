"""The largest batch of a verification follows what one row of a model costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.batch_size import largest_batch
from kerasnets.exporting.signature import serve
from kerasnets.exporting.verification.runtimes import read_reference
from tests.exporting.helpers import read_card, small_net

import_tensorflow()
layers = keras.layers
FLOAT = 4  # bytes


def model_of(shape: tuple[int | None, ...], layer: Any) -> Any:
    x = keras.Input(shape, name="x")
    return serve(keras.Model(x, layer(x)))


def rows_of(*shape: int) -> dict[str, np.ndarray]:
    return {"x": np.zeros((1, *shape), "float32")}


def test_a_small_net_has_the_usual_batches() -> None:
    batch = largest_batch(serve(small_net()), {"signal": np.zeros((5, 6), "float32")})
    assert batch.rows == 64
    assert not batch.is_limited
    # 6 inputs, 3 hidden values before and after the activation at most, 5 logits.
    assert batch.macs_per_row == 6 * 3 + 3 * 5
    assert batch.bytes_per_row >= (6 + 3 + 5) * FLOAT


def test_memory_limits_the_batch() -> None:
    batch = largest_batch(model_of((1024, 1024, 3), layers.Conv2D(50, 1)), rows_of(1024, 1024, 3))
    assert batch.bytes_per_row == 1024 * 1024 * (3 + 50) * FLOAT
    assert batch.macs_per_row == 1024 * 1024 * 3 * 50
    assert batch.rows == 2**30 // batch.bytes_per_row == 4


def test_multiply_adds_limit_the_batch() -> None:
    steps = 100_000
    batch = largest_batch(model_of((None, 8), layers.GRU(64)), rows_of(steps, 8))
    assert batch.macs_per_row == steps * 3 * 64 * (8 + 64)
    assert batch.rows == 32 * 10**9 // batch.macs_per_row == 23


def test_there_are_always_two_rows() -> None:
    size = 8192
    batch = largest_batch(model_of((None, None, 3), layers.Conv2D(8, 3)), rows_of(size, size, 3))
    assert batch.bytes_per_row > 2**30
    assert batch.rows == 2


def test_a_model_that_cannot_be_counted_is_limited_by_its_inputs() -> None:
    class Flipped(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            import tensorflow as tf

            return tf.reverse(x, [1])

    batch = largest_batch(model_of((4096, 4096), Flipped()), rows_of(4096, 4096))
    assert batch.bytes_per_row >= 4096**2 * FLOAT
    assert 2 <= batch.rows <= 16


@pytest.mark.usefixtures("verify_in_this_process")
def test_a_large_model_is_verified_with_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = small_net()
    monkeypatch.setattr("kerasnets.exporting.batch_size._MOST_MACS", 3 * (6 * 3 + 3 * 5))
    folder = kn.export(net, tmp_path / "net", class_names="abcde", weights="float16")
    card = read_card(folder)
    assert card["largest_batch"]["rows"] == 3
    batches = ["batch-1", "batch-2", "batch-3", "batch-0"]
    invalid = ["invalid-values-nan", "invalid-values-inf", "invalid-values--inf"]
    assert card["cases"] == batches + invalid
    assert "The batches have at most 3 rows." in (folder / "README.md").read_text("utf-8")
    inputs, outputs = read_reference(folder / "reference.npz")["invalid-values--inf"]
    assert np.isneginf(inputs["signal"]).sum(axis=1).tolist() == [0, 1, 0]
    assert np.isnan(outputs["logits"]).all(axis=1).tolist() == [False, True, False]
    assert 0 <= card["weights"]["float16"]["same_class"] <= 1
    assert kn.verify(folder).ok
