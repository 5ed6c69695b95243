"""What several workers cannot train is refused, and no worker silently trains alone."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.engine.kernels.adam import fast_adam
from kerasnets.engine.worker_checks import check_workers_can_train, sums_penalties_of_activities

X, Y = np.zeros((4, 3), "float32"), np.zeros((4, 1), "float32")


def model(loss="mse", optimizer="adam", metrics=(), kind=keras.Model, layers=()):
    inputs = hidden = keras.Input((3,))
    for layer in layers:
        hidden = layer(hidden)
    net = kind(inputs, keras.layers.Dense(1)(hidden), name="net")
    net.compile(optimizer, loss, metrics=list(metrics))
    return net


class OwnStep(keras.Model):
    """A model with a step of its own."""

    def train_step(self, data):
        return {"loss": 0.0}


class OwnLoss(keras.Model):
    """A model with a loss of its own."""

    def compute_loss(self, **arguments):
        return 0.0


class Largest(keras.metrics.Metric):
    """A metric whose state cannot be summed."""

    def __init__(self):
        super().__init__(name="largest")
        self.largest = self.add_variable((), "zeros", aggregation="mean", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(keras.ops.max(y_pred))

    def result(self):
        return self.largest


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": keras.losses.Huber(), "metrics": ["mae", keras.metrics.AUC()]},
        {"loss": lambda y, p: keras.ops.mean((y - p) ** 2, axis=-1)},
        {"layers": [keras.layers.BatchNormalization()], "optimizer": "sgd"},
    ],
)
def test_usual_models_can_be_trained(changes):
    net = model(**changes)
    net.evaluate(X, Y, verbose=0)  # builds loss and metrics
    check_workers_can_train(net)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": OwnStep}, "OwnStep overrides train_step"),
        ({"kind": OwnLoss}, "OwnLoss overrides compute_loss"),
        ({"loss": keras.losses.MeanSquaredError(reduction="sum")}, "reduction='sum'"),
        ({"loss": [keras.losses.MeanSquaredError(reduction="none")]}, "reduction='none'"),
        ({"metrics": [Largest()]}, "'largest' of a metric cannot be summed"),
        (
            {"layers": [keras.layers.BatchNormalization(synchronized=True, name="norm")]},
            "norm is a synchronized batch normalization",
        ),
        (
            {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())},
            "scales the loss",
        ),
    ],
)
def test_models_whose_gradients_or_metrics_do_not_add_up_are_refused(changes, message):
    net = model(**changes)
    if "metrics" in changes:
        net.evaluate(X, Y, verbose=0)
    with pytest.raises(ValueError, match=message):
        check_workers_can_train(net)


def test_penalties_that_depend_on_the_number_of_rows_are_refused():
    net = model(layers=[keras.layers.Dense(2, activity_regularizer="l2", name="hidden")])
    if tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 14):
        assert not sums_penalties_of_activities()
        check_workers_can_train(net)
        return
    with pytest.raises(ValueError, match="hidden has an activity regularizer"):
        check_workers_can_train(net)


def test_fit_refuses_to_train_alone_if_tf_config_names_several_workers(monkeypatch):
    net = model()
    cluster = {"worker": ["a:1", "b:1"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(ValueError, match=r"Use kerasnets\.train"):
        kn.fit(net, X, Y)
    monkeypatch.setenv("TF_CONFIG", json.dumps(config | {"cluster": {"worker": ["a:1"]}}))
    assert kn.fit(net, X, Y, verbose=0).epoch == [0]


def test_the_fast_update_is_refused_inside_a_scope():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with (
        strategy.scope(),
        pytest.raises(RuntimeError, match="inside the scope"),
        fast_adam(keras.optimizers.Adam()),
    ):
        pass
