"""Native recurrent nodes in models: shared, nested, subclassed and masked layers; our nets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.signature import serve
from tests.exporting.onnx.helpers import (
    FEATURES,
    MASKS,
    UNITS,
    check,
    convert,
    largest_difference,
    layers,
    masked_model,
    plain_model,
    randomize,
    signals,
)


def test_shared_nested_and_sequential_layers(tmp_path: Path) -> None:
    shared = layers.GRU(UNITS, return_sequences=True, name="shared")
    inner = keras.Sequential([keras.Input((None, UNITS)), layers.LSTM(UNITS)], name="inner")

    def build(x: Any) -> Any:
        wide = layers.Dense(FEATURES)(x)
        return inner(shared(x) + shared(wide))

    check(plain_model(build), tmp_path / "m.onnx", "GRU", "GRU", "LSTM")


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = layers.Bidirectional(layers.GRU(UNITS, return_sequences=True))
        self.pool = layers.LSTM(2)

    def call(self, x: Any) -> Any:
        return self.pool(self.rnn(x))


def test_a_subclassed_model(tmp_path: Path) -> None:
    model = Subclassed()
    model(signals(2, 5))
    served = serve(randomize(model))
    assert convert(served, tmp_path / "m.onnx")["GRU"] == 2
    feeds = [{"input": signals(batch, 5)} for batch in (1, 2, 7)]
    assert largest_difference(served, tmp_path / "m.onnx", *feeds) < 1e-6


def test_masking_and_embedding_masks(tmp_path: Path) -> None:
    def masking(x: Any) -> Any:
        x = layers.Masking(mask_value=0.0)(x)
        return layers.GRU(2)(layers.LSTM(UNITS, return_sequences=True)(x))

    served = plain_model(masking)
    convert(served, tmp_path / "masking.onnx")
    x = signals(6, 6) * MASKS[..., None]
    assert largest_difference(served, tmp_path / "masking.onnx", {"x": x}) < 1e-6

    words = keras.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(9, FEATURES, mask_zero=True)(words)
    served = serve(randomize(keras.Model(words, layers.Bidirectional(layers.GRU(UNITS))(x))))
    assert convert(served, tmp_path / "words.onnx")["GRU"] == 2
    ids = np.random.default_rng(0).integers(1, 9, MASKS.shape) * MASKS
    feed = {"words": ids.astype("int32")}
    assert largest_difference(served, tmp_path / "words.onnx", feed) < 1e-6


def test_padding_does_not_change_the_outputs_of_onnx_runtime(tmp_path: Path) -> None:
    """The same rows with more padding of any value, and in other batches."""
    served = masked_model(lambda x: layers.Bidirectional(layers.GRU(UNITS))(x))
    convert(served, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    x, mask = signals(3, 4), np.ones((3, 4), bool)
    (alone,) = session.run(None, {"x": x, "mask": mask})
    for fill in (0.0, 7.0, -1e9):
        longer = np.concatenate([x, np.full((3, 5, FEATURES), fill, "float32")], axis=1)
        more = np.concatenate([mask, np.zeros((3, 5), bool)], axis=1)
        (padded,) = session.run(None, {"x": longer, "mask": more})
        np.testing.assert_array_equal(padded, alone)
        (one,) = session.run(None, {"x": longer[1:2], "mask": more[1:2]})
        np.testing.assert_allclose(one, alone[1:2], atol=1e-7)


@pytest.mark.parametrize("opset", [13, 14, 15, 16, 17, 18])
def test_every_opset(opset: int, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return layers.Bidirectional(layers.GRU(UNITS, return_sequences=True))(x)

    served = masked_model(build)
    convert(served, tmp_path / "m.onnx", opset=opset)
    feed = {"x": signals(6, 6), "mask": MASKS}
    assert largest_difference(served, tmp_path / "m.onnx", feed) < 1e-6


@pytest.mark.parametrize("name", [name for name in kn.list_nets() if "gru" in name])
def test_the_nets_of_the_catalogue_only_have_native_nodes(name: str, tmp_path: Path) -> None:
    net = kn.build(name)
    recurrent = [
        (2 if isinstance(layer, layers.Bidirectional) else 1)
        for layer in net.layers
        if isinstance(layer, layers.RNN | layers.Bidirectional)
    ]
    counts = convert(serve(net), tmp_path / "m.onnx")
    assert counts["GRU"] == sum(recurrent) > 0
    assert not {"Loop", "Scan", "If"} & set(counts)
