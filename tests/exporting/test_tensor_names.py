"""The names of inputs and outputs."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.exporting.signature import TensorInfo, serve
from tests.exporting.helpers import dense_model


def names(infos: tuple[TensorInfo, ...]) -> list[str]:
    return [info.name for info in infos]


def test_dict_keys_are_the_names_of_their_tensors() -> None:
    inputs = {
        "visits": keras.Input((None, 2), name="visits"),
        "length": keras.Input((), dtype="int32", name="length"),
    }
    total = keras.ops.sum(inputs["visits"], axis=1)
    scaled = total * keras.ops.expand_dims(keras.ops.cast(inputs["length"], "float32"), 1)
    served = serve(keras.Model(inputs, {"total": total, "scaled": scaled}))
    assert set(served.inputs) == {
        TensorInfo("visits", "float32", (None, None, 2)),
        TensorInfo("length", "int32", (None,)),
    }
    out = served.run({"visits": np.ones((2, 5, 2)), "length": np.array([3, 4])})
    np.testing.assert_array_equal(out["total"], np.full((2, 2), 5))
    np.testing.assert_array_equal(out["scaled"], [[15, 15], [20, 20]])


def test_a_list_of_outputs_has_the_names_of_the_layers() -> None:
    x = keras.Input((4,), name="x")
    outputs = [keras.layers.Dense(3, name=name)(x) for name in ("mean", "spread")]
    assert names(serve(keras.Model(x, outputs)).outputs) == ["mean", "spread"]


def test_several_outputs_of_one_layer_are_numbered() -> None:
    x = keras.Input((5, 4), name="x")
    last, hidden, cell = keras.layers.LSTM(3, return_state=True, name="lstm")(x)
    scores = keras.layers.Dense(3, name="scores")(last)
    model = keras.Model(x, [last, hidden, cell, scores])
    assert names(serve(model).outputs) == ["lstm_0", "lstm_1", "lstm_2", "scores"]


class Doubler(keras.Model):
    def call(self, x):
        return 2 * x


def test_a_subclassed_model_has_default_names() -> None:
    model = Doubler()
    model(np.ones((2, 3), "float32"))
    served = serve(model)
    assert served.inputs == (TensorInfo("input", "float32", (None, 3)),)
    out = served.run({"input": np.ones((5, 3))})
    np.testing.assert_array_equal(out["output"], np.full((5, 3), 2))


def test_a_sequential_model_has_the_name_of_its_input() -> None:
    model = keras.Sequential([keras.Input((4,), name="row"), keras.layers.Dense(3, name="logits")])
    assert names(serve(model).inputs) == ["row"]


def test_two_outputs_with_the_same_name_are_rejected() -> None:
    x = dense_model(2).input
    model = keras.Model(x, {"a": {"same": x + 1}, "b": {"same": x + 2}})
    with pytest.raises(ValueError, match="Two outputs of the model are named 'same'"):
        serve(model)
