"""Names of inputs and outputs, and what is taken for a classifier."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras, tf
from kerasnets.exporting.signature import TensorInfo, serve


def names(infos: tuple[TensorInfo, ...]) -> list[str]:
    return [info.name for info in infos]


def dense_on(inputs: object, **arguments: object) -> object:
    return keras.layers.Dense(3, **arguments)(inputs)


@pytest.mark.parametrize("name", kn.list_nets("seizure-*"))
def test_every_seizure_net_is_a_classifier_of_signals(name: str) -> None:
    served = serve(kn.build(name))
    samples = kn.describe(name).arguments["samples"]
    assert served.inputs == (TensorInfo("signal", "float32", (None, samples)),)
    assert served.outputs == (
        TensorInfo("probabilities", "float32", (None, 5)),
        TensorInfo("logits", "float32", (None, 5)),
    )


def test_an_output_with_an_activation_or_another_name_is_left_as_it_is() -> None:
    x = keras.Input((4,), name="x")
    softmax = keras.Model(x, dense_on(x, activation="softmax", name="logits"))
    assert names(serve(softmax).outputs) == ["logits"]
    other = keras.Model(x, dense_on(x, name="scores"))
    assert names(serve(other).outputs) == ["scores"]
    assert names(serve(other, classifier=True).outputs) == ["probabilities", "logits"]
    linear = keras.Model(x, dense_on(x, activation="linear", name="logits"))
    assert names(serve(linear).outputs) == ["probabilities", "logits"]
    assert names(serve(linear, classifier=False).outputs) == ["logits"]


def test_one_logit_gives_the_sigmoid() -> None:
    x = keras.Input((4,), name="x")
    served = serve(keras.Model(x, keras.layers.Dense(1, name="logits")(x)))
    out = served.run({"x": np.arange(8, dtype="float32").reshape(2, 4)})
    np.testing.assert_allclose(out["probabilities"], 1 / (1 + np.exp(-out["logits"])), rtol=1e-6)


def test_several_inputs_and_outputs_keep_their_keys_and_find_their_tensors() -> None:
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


def test_a_list_of_outputs_is_named_after_its_layers() -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, [dense_on(x, name="mean"), dense_on(x, name="spread")])
    assert names(serve(model).outputs) == ["mean", "spread"]


def test_several_outputs_of_one_layer_are_numbered() -> None:
    x = keras.Input((5, 4), name="x")
    last, hidden, cell = keras.layers.LSTM(3, return_state=True, name="lstm")(x)
    model = keras.Model(x, [last, hidden, cell, dense_on(last, name="scores")])
    assert names(serve(model).outputs) == ["lstm_0", "lstm_1", "lstm_2", "scores"]


class Doubler(keras.Model):
    def call(self, x):
        return 2 * x


def test_a_subclassed_model_gets_plain_names() -> None:
    model = Doubler()
    model(np.ones((2, 3), "float32"))
    served = serve(model)
    assert served.inputs == (TensorInfo("input", "float32", (None, 3)),)
    out = served.run({"input": np.ones((5, 3))})
    np.testing.assert_array_equal(out["output"], np.full((5, 3), 2))


def test_a_sequential_model_is_served_under_the_name_of_its_input() -> None:
    model = keras.Sequential([keras.Input((4,), name="row"), keras.layers.Dense(3, name="logits")])
    served = serve(model)
    assert names(served.inputs) == ["row"]
    assert served.classifier


def test_an_unbuilt_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not yet been built.*Call it once on an example"):
        serve(Doubler())


def test_a_call_that_cannot_be_traced_is_refused() -> None:
    def needs_values(x):
        return x * float(np.asarray(x).sum()) if tf.executing_eagerly() else np.asarray(x)

    x = keras.Input((4,), name="x")
    model = keras.Model(x, keras.layers.Lambda(needs_values, output_shape=(4,))(x))
    with pytest.raises(ValueError, match=r"its call cannot be traced into a graph"):
        serve(model)


def test_two_outputs_of_one_name_are_refused() -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, {"a": {"same": x + 1}, "b": {"same": x + 2}})
    with pytest.raises(ValueError, match="Two outputs of the model are named 'same'"):
        serve(model)


def test_a_classifier_needs_one_matrix() -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, {"a": dense_on(x), "b": dense_on(x)})
    with pytest.raises(ValueError, match=r"one floating-point output of shape \(batch, classes\)"):
        serve(model, classifier=True)


def test_what_is_no_keras_model_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must be a `keras.Model`"):
        serve("seizure-mlp")
