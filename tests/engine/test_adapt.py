"""``kerasnets.fit`` takes all arrays that ``model.fit`` takes, with the same results."""

from __future__ import annotations

import re

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.engine import CannotCompileError
from kerasnets.engine.adapt import make_source
from kerasnets.engine.sources import Examples
from tests.engine.helpers import Sequences, assert_same_fit, fit, frame
from tests.engine.models import CASES, build, compiled, dense_net, floats

RNG = np.random.default_rng(0)
X, Y = floats(RNG, 11, 8), floats(RNG, 11)


def dense():
    return build(CASES["dense"])


class Sums(keras.Model):
    """Takes any nested structure of inputs."""

    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(1)

    def call(self, inputs):
        leaves = [keras.ops.cast(leaf, "float32") for leaf in keras.tree.flatten(inputs)]
        return self.out(keras.ops.concatenate(leaves, axis=-1))


def nested():
    keras.utils.set_random_seed(0)
    return compiled(Sums())


def looked_up():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((), dtype="string")
    indices = keras.layers.StringLookup(vocabulary=["a", "b"])(inputs)
    embedded = keras.layers.Embedding(3, 2)(indices)
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(embedded)))


def mapped(tmp_path):
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", "float32", (11, 8))
    array[:] = X
    return array


DATA = {
    "float64": lambda path: (dense, X.astype("float64"), Y.astype("float64")),
    "float16": lambda path: (dense, X.astype("float16"), Y),
    "ints": lambda path: (dense, (X * 3).astype("int64"), Y.astype("int16")),
    "bool": lambda path: (dense, X > 0, Y > 0),
    "frame-and-series": lambda path: (dense, frame(X), pd.Series(Y, index=range(5, 16))),
    "frame-of-float64": lambda path: (dense, frame(X.astype("float64")), frame(Y[:, None])),
    "tensors": lambda path: (dense, tf.constant(X), tf.constant(Y)),
    "variable-like": lambda path: (dense, X[::-1], Y[::-1]),
    "fortran": lambda path: (dense, np.asfortranarray(X), Y),
    "memory-mapped": lambda path: (dense, mapped(path), Y),
    "one-row": lambda path: (dense, X[:1], Y[:1]),
    "nested": lambda path: (nested, {"a": [X, {"b": X[:, :2] > 0}], "c": (X[:, :1],)}, Y),
    "strings": lambda path: (looked_up, np.array(["a", "b", "c"] * 3, object), Y[:9]),
    "string-tensor": lambda path: (looked_up, tf.constant(["a", "b", "c"] * 3), Y[:9]),
}


@pytest.mark.parametrize("name", DATA)
def test_data_train_as_in_keras(name, tmp_path):
    build_model, x, y = DATA[name](tmp_path)
    assert_same_fit(build_model, x=x, y=y, epochs=2, batch_size=4, shuffle=False)


def test_a_model_without_targets_trains():
    def autoencoder():
        keras.utils.set_random_seed(0)
        inputs = keras.Input((8,))

        class Distance(keras.layers.Layer):
            def call(self, x, y):
                self.add_loss(keras.ops.mean((x - y) ** 2))
                return y

        outputs = Distance()(inputs, keras.layers.Dense(8)(keras.layers.Dense(2)(inputs)))
        return compiled(keras.Model(inputs, outputs), loss=None)

    assert_same_fit(autoencoder, x=X, epochs=2, batch_size=4, shuffle=False)


@pytest.mark.skipif(keras.__version__ < "3.12", reason="Keras 3.11 has no None among arrays")
def test_weights_per_output_may_be_none():
    case = CASES["list-outputs-weighted"]
    x, y, weights = case.data(11, np.random.default_rng(0))
    args = {"x": x, "y": y, "sample_weight": [weights[0], None], "batch_size": 4}
    assert_same_fit(lambda: build(case), **args, epochs=2, shuffle=False)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X, Y[:3]),
        ([X, X[:2]], Y),
        (X, np.array([object()] * 11)),
        (X[:0], Y[:0]),
        (np.zeros((11, 3)), Y),
        ([[1.0, 2.0]], [1.0]),
        (None, None),
    ],
)
@pytest.mark.filterwarnings("ignore:Keras's own fit is used")
def test_data_that_keras_refuses_raise_the_same_error(x, y):
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever Keras raises
        dense().fit(x, y, verbose=0)
    with pytest.raises(expected.type) as ours:
        kn.fit(dense(), x, y, verbose=0)
    first_lines = [str(error.value).partition("\n")[0] for error in (ours, expected)]
    assert len({re.sub(r"_\d+", "", line) for line in first_lines}) == 1


def test_data_without_rows_fall_back_to_keras():
    with pytest.raises(CannotCompileError, match="the data have no rows"):
        kn.fit(dense(), X[:0], Y[:0], strict=True)


def test_a_source_gets_labels_and_weights_of_its_length():
    x = Sequences(6)
    assert make_source(x) is x
    source = make_source(x, np.arange(6.0), class_weight=None, weights=np.ones(6))
    assert isinstance(source, Examples)
    assert [spec.dtype for spec in source.batch_spec()[1:]] == [tf.float32, tf.float32]
    weights = make_source(x, np.array([0, 1] * 3), class_weight={0: 2.0}).labels.leaves[1]
    np.testing.assert_array_equal(weights, [2, 1] * 3)
    with pytest.raises(ValueError, match="cardinality"):
        make_source(x, np.arange(5))


def test_validation_cannot_be_split_from_sequences():
    with pytest.raises(ValueError, match="validation_split needs arrays"):
        kn.fit(dense_compiled(), Sequences(6), np.zeros(6), validation_split=0.5)


def dense_compiled():
    return compiled(dense_net())


def test_data_are_not_changed():
    x, y = X.copy(), Y.copy()
    fit(dense(), x=x, y=y, epochs=1)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
