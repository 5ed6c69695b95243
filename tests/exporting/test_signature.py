"""Which models can be served, and their signatures."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras, tf
from kerasnets.exporting.signature import TensorInfo, serve


@pytest.mark.parametrize("name", kn.list_nets("seizure-*"))
def test_every_seizure_net_is_a_classifier_of_signals(name: str) -> None:
    served = serve(kn.build(name))
    samples = kn.describe(name).arguments["samples"]
    assert served.task == "classification"
    assert served.inputs == (TensorInfo("signal", "float32", (None, samples)),)
    assert served.outputs == (
        TensorInfo("probabilities", "float32", (None, 5)),
        TensorInfo("logits", "float32", (None, 5)),
    )


class Doubler(keras.Model):
    def call(self, x):
        return 2 * x


def test_a_model_that_is_not_built_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"not yet been built.*Call it once on an example"):
        serve(Doubler())


def test_a_call_that_cannot_be_traced_is_rejected() -> None:
    def needs_values(x):
        return x * float(np.asarray(x).sum()) if tf.executing_eagerly() else np.asarray(x)

    x = keras.Input((4,), name="x")
    model = keras.Model(x, keras.layers.Lambda(needs_values, output_shape=(4,))(x))
    with pytest.raises(ValueError, match=r"its call cannot be traced into a graph"):
        serve(model)


def test_only_keras_models_are_accepted() -> None:
    with pytest.raises(TypeError, match=r"must be a `keras.Model`"):
        serve("seizure-mlp")
