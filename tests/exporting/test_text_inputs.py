"""Models that take text: a SavedModel serves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras, tf
from tests.exporting.helpers import read_card

layers = keras.layers


def reviews() -> keras.Model:
    vectors = layers.TextVectorization(output_sequence_length=6)
    vectors.adapt(["the film was good", "a long film"])
    text = keras.Input((), dtype="string", name="text")
    x = layers.Embedding(vectors.vocabulary_size(), 3)(vectors(text))
    return keras.Model(text, layers.Dense(2, name="logits")(layers.GlobalAveragePooling1D()(x)))


@pytest.mark.usefixtures("verify_in_this_process")
def test_a_saved_model_serves_text_and_onnx_is_left_out(tmp_path: Path) -> None:
    model = reviews()
    folder = kn.export(model, tmp_path / "reviews")
    card = read_card(folder)
    assert card["formats"] == ["saved_model"]
    assert "no operators for text" in card["onnx"]["left_out"]
    assert not (folder / "model.onnx").exists()
    texts = np.array(["a good film", "", "unheard of"])
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    got = served(text=tf.constant(texts))["logits"]
    np.testing.assert_allclose(got, model(tf.constant(texts)), atol=1e-6)
    assert served(text=tf.constant(texts[:0]))["logits"].shape == (0, 2)


def test_onnx_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="text, for which ONNX has no operators"):
        kn.export(reviews(), tmp_path / "reviews", formats=("saved_model", "onnx"))
    with pytest.raises(ValueError, match="weights applies to ONNX"):
        kn.export(reviews(), tmp_path / "reviews", weights="int8")
    assert not (tmp_path / "reviews").exists()
