"""The ``.keras`` file and its entry in the card."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.keras_file import check_no_lambda, write_keras_file
from kerasnets.exporting.verification.runtimes.load import load_keras
from tests.exporting.helpers import dense_model


class Custom(keras.layers.Layer):
    def call(self, x):
        return x + 1


class NoConfig(keras.layers.Layer):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def call(self, x):
        return x + self.step


def test_the_file_has_the_weights_but_not_the_optimizer(tmp_path):
    model = dense_model(2)
    model.compile("adam", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    assert write_keras_file(model, tmp_path) == {"file": "model.keras", "modules": []}
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not loaded.compiled
    for got, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert model.optimizer.iterations == 1
    assert model.compiled


def test_modules_of_our_own_layers_are_listed(tmp_path):
    net = kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,))
    (module,) = write_keras_file(net, tmp_path)["modules"]
    assert module == "kerasnets.nets.layers.length_mask"


def test_classes_of_the_user_are_listed(tmp_path):
    x = keras.Input((4,), name="x")
    entry = write_keras_file(keras.Model(x, Custom()(x)), tmp_path)
    assert entry == {"file": "model.keras", "needs": [f"{__name__}.Custom"]}


def test_the_file_of_a_sequential_model_can_be_verified(tmp_path):
    model = keras.Sequential([keras.Input((4,), name="row"), keras.layers.Dense(3, name="logits")])
    card = {
        "keras": write_keras_file(model, tmp_path),
        "inputs": [{"name": "row", "dtype": "float32", "shape": [None, 4]}],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": [None, 3]}],
    }
    rows = np.ones((2, 4), "float32")
    outputs = load_keras(tmp_path, card).run({"row": rows})
    np.testing.assert_allclose(outputs["logits"], model(rows), atol=1e-6)


def test_a_model_that_keras_cannot_save_is_left_out(tmp_path):
    x = keras.Input((4,), name="x")
    entry = write_keras_file(keras.Model(x, NoConfig(keras.Variable(1.0))(x)), tmp_path)
    assert list(entry) == ["left_out"]
    assert entry["left_out"].startswith("Keras cannot write it (")
    assert list(tmp_path.iterdir()) == []


def test_nested_lambda_layers_are_rejected():
    x = keras.Input((4,), name="x")
    inner = keras.Sequential([x, keras.layers.Lambda(lambda value: 2 * value, name="odd")])
    with pytest.raises(ValueError, match=r"has Lambda layers.*'odd'"):
        check_no_lambda(keras.Model(x, inner(x)))
