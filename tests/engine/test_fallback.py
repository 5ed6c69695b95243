"""Keras runs what the engine cannot, and one warning says why; ``strict`` raises an error."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

import kerasnets as kn
from kerasnets.engine import CannotCompileError, FallbackWarning
from tests.engine.custom_models import TwoLayers
from tests.engine.helpers import Sequences, assert_same_history, assert_same_weights
from tests.engine.models import CASES, build, by_length, compiled, floats

RNG = np.random.default_rng(0)
X, Y = floats(RNG, 12, 8), floats(RNG, 12)


def seeded(make, *values, **options):
    keras.utils.set_random_seed(0)
    return compiled(make(*values), "sgd", **options)


def dense():
    return build(CASES["dense"])


def dataset():
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)


def generator():
    yield from [(X[:6], Y[:6]), (X[6:], Y[6:])]


class Rows(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[4 * index :][:4], Y[4 * index :][:4]


class OwnFit(TwoLayers):
    def fit(self, *values, **options):
        self.fitted = True
        return super().fit(*values, **options)


class OwnFunction(TwoLayers):
    def make_train_function(self, force=False):
        return super().make_train_function(force)


class NoCall(keras.Model):
    def __init__(self):
        super().__init__()
        self.layer = keras.layers.Dense(1)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.layer(x)[:, 0] - y) ** 2)
        weights = self.layer.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}


class GrowingLogs(TwoLayers):
    def train_step(self, data):
        return super().train_step(data) | {"errors": self(data[0])[:, 0] - data[1]}


class Summing(TwoLayers):
    def call(self, x, training=False):
        return self.out(self.hidden(x.to_tensor(shape=(None, 8)) if hasattr(x, "to_tensor") else x))


def sparse_net():
    inputs = keras.Input((8,), sparse=True)
    return keras.Model(inputs, keras.layers.Dense(1)(inputs))


CASES_OF_KERAS = {
    "eager": (lambda: seeded(TwoLayers, run_eagerly=True), {"x": X, "y": Y}, "runs eagerly"),
    "dataset": (dense, {"x": dataset}, "Dataset, not arrays"),
    "generator": (dense, {"x": generator}, "generator, not arrays"),
    "py-dataset": (dense, {"x": Rows}, "Rows, not arrays"),
    "sparse": (lambda: seeded(sparse_net), {"x": scipy.sparse.csr_matrix(X), "y": Y},
               "contain a csr_matrix"),
    "ragged": (lambda: seeded(Summing), {"x": tf.RaggedTensor.from_tensor(X), "y": Y},
               "contain a RaggedTensor"),
    "own-fit": (lambda: seeded(OwnFit), {"x": X, "y": Y}, "OwnFit overrides fit"),
    "own-function": (lambda: seeded(OwnFunction), {"x": X, "y": Y},
                     "overrides make_train_function"),
    "no-call": (lambda: seeded(NoCall, loss=None), {"x": X, "y": Y}, "NoCall has no call method"),
    "logs-of-rows": (lambda: seeded(GrowingLogs), {"x": X, "y": Y}, "cannot be traced"),
    "validation": (dense, {"x": X, "y": Y, "validation_data": dataset}, "Dataset, not arrays"),
}  # fmt: skip


def with_values(args):
    return {name: value() if callable(value) else value for name, value in args.items()}


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
@pytest.mark.parametrize("name", CASES_OF_KERAS)
def test_keras_fits_and_one_warning_says_why(name):
    build_model, args, reason = CASES_OF_KERAS[name]
    options = {"epochs": 1, "shuffle": False, "verbose": 0}
    expected, ours = build_model(), build_model()
    history = expected.fit(**with_values(args), **options).history
    with pytest.raises(CannotCompileError, match=reason):
        kn.fit(ours, **with_values(args), **options, strict=True)
    with pytest.warns(FallbackWarning, match=reason) as warned:
        result = kn.fit(ours, **with_values(args), **options)
    (warning,) = (w for w in warned if w.category is FallbackWarning)
    assert warning.filename == __file__
    assert str(warning.message).startswith("Keras's own fit is used, because")
    assert "\n" not in str(warning.message)
    numbers = {key: values for key, values in history.items() if np.ndim(values[0]) == 0}
    assert_same_history({key: result.history[key] for key in numbers}, numbers, 1e-7)
    assert_same_weights(ours, expected, 1e-7)


def test_a_metric_created_inside_train_step_falls_back_to_keras():
    class Makes(TwoLayers):
        def train_step(self, data):
            logs = super().train_step(data)
            metric = keras.metrics.Mean(name="made")
            metric.update_state(logs["loss"])
            return logs | {"made": metric.result()}

    with pytest.raises(CannotCompileError, match="cannot be traced"):
        kn.fit(seeded(Makes), X, Y, strict=True, verbose=0)


def test_a_test_step_that_cannot_be_traced_is_found_before_training():
    class Eager(TwoLayers):
        def test_step(self, data):
            return {"loss": float(tf.reduce_mean(self(data[0])).numpy())}

    model = seeded(Eager)
    with pytest.raises(CannotCompileError, match="cannot be traced"):
        kn.fit(model, X, Y, validation_data=(X, Y), strict=True, verbose=0)
    assert int(model.optimizer.iterations) == 0


def test_models_of_a_strategy_fall_back_to_keras():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        model = dense()
    with pytest.warns(FallbackWarning, match=r"distributed by tf\.distribute"):
        kn.fit(model, X, Y, epochs=1, verbose=0)
    assert int(model.optimizer.iterations) == 1


def test_a_distribution_of_keras_falls_back_to_keras(monkeypatch):
    monkeypatch.setattr(keras.distribution, "distribution", lambda: "a distribution")
    with pytest.raises(CannotCompileError, match=r"keras\.distribution is in use"):
        kn.fit(dense(), X, Y, strict=True)


@pytest.mark.parametrize("limit", ["max_epochs", "max_steps_per_epoch"])
def test_limits_for_debugging_fall_back_to_keras(limit, monkeypatch):
    if not hasattr(keras.config, limit):
        pytest.skip("this Keras has no such limit")
    monkeypatch.setattr(keras.config, limit, lambda: 1)
    with pytest.raises(CannotCompileError, match=f"{limit} is set"):
        kn.fit(dense(), X, Y, strict=True)


@pytest.mark.filterwarnings("ignore::kerasnets.engine.FallbackWarning")
def test_sequences_are_padded_for_keras():
    x, y = Sequences(9, features=3), np.zeros(9, "int32")
    model, expected = by_length(), by_length()
    expected.set_weights(model.get_weights())
    for one in (model, expected):
        one.run_eagerly = True
    history = kn.fit(model, x, y, validation_data=(x, y), shuffle=False, verbose=0).history
    padded = x.take(slice(None))
    validation = {"validation_data": (padded, y)}
    assert_same_history(
        history, expected.fit(padded, y, **validation, shuffle=False, verbose=0).history, 1e-7
    )
    predicted = kn.predict(model, x)
    np.testing.assert_allclose(predicted, expected.predict(padded, verbose=0), atol=1e-6)
