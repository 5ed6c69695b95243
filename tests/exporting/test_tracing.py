"""The changes to layers while a model is traced, and that they are undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from kerasnets._lazy import import_tensorflow, keras, tf
from kerasnets.exporting.signature import serve
from kerasnets.exporting.tracing import all_layers, check_keras_version, portable
from tests.exporting.onnx.helpers import convert, largest_difference, randomize

import_tensorflow()
layers = keras.layers


def test_fused_gpu_operations_are_disabled_in_wrapped_layers() -> None:
    inner = keras.Sequential([keras.Input((4, 2)), layers.Bidirectional(layers.LSTM(2))])
    model = keras.Sequential([keras.Input((4, 2)), layers.GRU(2, return_sequences=True), inner])
    recurrent = [layer for layer in all_layers(model) if isinstance(layer, layers.RNN)]
    assert len(recurrent) == 3
    with portable(model):
        assert [layer.use_cudnn for layer in recurrent] == [False] * 3
    assert [layer.use_cudnn for layer in recurrent] == ["auto"] * 3


def test_installed_keras_is_tested() -> None:
    assert check_keras_version() is True


@pytest.mark.parametrize("version", ["3.10.1", "3.16.2", "3.15.0.dev2", "3.15", "4.0.0"])
def test_an_untested_keras_warns_once(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras, "__version__", version)
    with pytest.warns(UserWarning, match=f"Keras {version} is installed"):
        assert check_keras_version() is False
    assert check_keras_version() is False  # a second warning would be an error


WRAPPED: dict[str, Any] = {
    "dense": lambda: layers.Dense(2),
    "conv": lambda: layers.Conv1D(2, 2),
    "gru": lambda: layers.GRU(2),
    "lstm": lambda: layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
    "model": lambda: keras.Sequential([keras.Input((5, 3)), layers.Flatten(), layers.Dense(2)]),
}


@pytest.mark.parametrize("time", [4, None])
def test_time_distributed_runs_the_layer_on_each_step(time: int | None, tmp_path: Path) -> None:
    x = keras.Input((time, 5, 3), name="x")
    outputs = {kind: layers.TimeDistributed(make())(x) for kind, make in WRAPPED.items()}
    served = serve(randomize(keras.Model(x, outputs)))
    counts = convert(served, tmp_path / "m.onnx")
    assert not {"Loop", "Scan"} & set(counts)
    assert (counts["GRU"], counts["LSTM"]) == (1, 2)
    rng = np.random.default_rng(0)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    graph = tf.function(served, autograph=False)
    for batch in (1, 7):
        feed = {"x": rng.normal(size=(batch, 4, 5, 3)).astype("float32")}
        expected, in_graph = served.run(feed), graph(feed["x"])
        in_onnx = dict(zip(WRAPPED, session.run(list(WRAPPED), feed), strict=True))
        for kind in WRAPPED:
            np.testing.assert_allclose(in_onnx[kind], expected[kind], atol=1e-6)
            np.testing.assert_allclose(in_graph[kind], expected[kind], atol=1e-6)


def test_time_distributed_passes_the_mask_to_its_layer(tmp_path: Path) -> None:
    words = keras.Input((None, 5), dtype="int32", name="words")
    x = layers.Embedding(9, 3)(words)
    inner = keras.Sequential([keras.Input((5, 3)), layers.Masking(0.0), layers.LSTM(2)])
    x = layers.TimeDistributed(inner)(x * keras.ops.cast(words > 0, "float32")[..., None])
    served = serve(randomize(keras.Model(words, layers.GRU(2)(x))))
    convert(served, tmp_path / "m.onnx")
    ids = np.random.default_rng(0).integers(0, 3, (4, 6, 5)).astype("int32")
    assert largest_difference(served, tmp_path / "m.onnx", {"words": ids}) < 1e-6
