"""How the task decides the names and the values of the outputs."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.evaluation import tasks as evaluation
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.tasks import TASKS, choose_task, final_activation
from tests.exporting.helpers import dense_model

X = np.arange(8, dtype="float32").reshape(2, 4) / 10


def names(served: Served) -> list[str]:
    return [info.name for info in served.outputs]


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def test_the_tasks_and_their_outputs_are_those_of_evaluation() -> None:
    assert set(TASKS) == set(evaluation.TASKS)
    for name, task in evaluation.TASKS.items():
        served = serve(dense_model(1 if name == "binary" else 3), name)
        assert served.outputs[0].name == task.output_name


@pytest.mark.parametrize(
    ("task", "units", "probabilities"),
    [
        ("classification", 3, softmax),
        ("binary", 1, sigmoid),
        ("multilabel", 3, sigmoid),
        ("multilabel", 1, sigmoid),
    ],
)
def test_probabilities_of_each_classifying_task(task: str, units: int, probabilities) -> None:
    served = serve(dense_model(units), task)
    out = served.run({"x": X})
    assert served.is_classifier
    assert names(served) == list(out) == ["probabilities", "logits"]
    np.testing.assert_allclose(out["logits"], np.asarray(served.model(X)), rtol=1e-6)
    np.testing.assert_allclose(out["probabilities"], probabilities(out["logits"]), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "prediction"),
        ("dense_12", "prediction"),
        ("logits", "prediction"),
        ("glucose", "glucose"),
    ],
)
def test_regression_keeps_the_name_that_the_user_chose(name: str | None, expected: str) -> None:
    served = serve(dense_model(2, name=name), "regression")
    assert (served.task, served.is_classifier) == ("regression", False)
    out = served.run({"x": X})
    np.testing.assert_array_equal(out.pop(expected), np.asarray(served.model(X)))
    assert out == {}


def test_regression_with_a_dict_key_an_operation_and_a_subclassed_model() -> None:
    x = keras.Input((4,), name="x")
    assert names(serve(keras.Model(x, {"dose": x * 2}), "regression")) == ["dose"]
    assert names(serve(keras.Model(x, x * 2), "regression")) == ["prediction"]

    class Doubler(keras.Model):
        def call(self, x):
            return 2 * x

    model = Doubler()
    model(X)
    assert names(serve(model, "regression")) == ["prediction"]


def test_without_a_task_only_linear_logits_are_a_classifier() -> None:
    assert names(serve(dense_model(3, name="logits", activation="softmax"))) == ["logits"]
    assert names(serve(dense_model(3, name="scores"))) == ["scores"]
    linear = dense_model(3, name="logits", activation="linear")
    assert names(serve(linear)) == ["probabilities", "logits"]
    assert names(serve(linear, classifier=False)) == ["logits"]
    assert serve(linear).task == "classification"
    assert serve(dense_model(1, name="logits")).task == "binary"
    assert serve(dense_model(3, name="scores"), classifier=True).task == "classification"
    assert serve(dense_model(3, name="scores")).task is None


def test_an_activation_of_the_last_layer_is_not_applied_twice() -> None:
    x = keras.Input((4,), name="x")
    logits = keras.layers.Dense(3)(x)
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    models = {
        "classification": [
            dense_model(3, activation="softmax"),
            keras.Model(x, keras.layers.Softmax()(logits)),
            keras.Model(x, keras.ops.softmax(logits)),
            keras.Model(x, keras.layers.Activation("softmax")(logits)),
            keras.Model(x, inner(x)),
        ],
        "multilabel": [dense_model(3, activation="sigmoid")],
        "binary": [dense_model(1, activation="sigmoid")],
    }
    for task, group in models.items():
        for model in group:
            served = serve(model, task)
            assert names(served) == ["probabilities"]
            out = served.run({"x": X})["probabilities"]
            np.testing.assert_allclose(out, np.asarray(model(X)), rtol=1e-6)


def test_the_final_activation_of_other_models_is_reported_or_unknown() -> None:
    assert final_activation(dense_model(2, activation="relu")) == "relu"
    assert final_activation(dense_model(2)) == "linear"
    x = keras.Input((4,), name="x")
    assert final_activation(keras.Model(x, x + 1)) is None


@pytest.mark.parametrize(
    ("task", "model", "message"),
    [
        ("binray", {"units": 1}, "Unknown task 'binray'. Did you mean 'binary'?"),
        ("binary", {"units": 2}, "needs a model with one column of logits; .* has 2"),
        ("classification", {"units": 1}, "at least two columns of logits.*task='binary'"),
        ("multilabel", {"units": 3, "activation": "softmax"}, "'sigmoid'; .* applies 'softmax'"),
        ("classification", {"units": 3, "activation": "sigmoid"}, "from 'softmax'"),
    ],
)
def test_a_task_that_does_not_fit_the_model_is_rejected(task: str, model: dict, message: str):
    with pytest.raises(ValueError, match=message):
        serve(dense_model(**model), task)


@pytest.mark.parametrize("arguments", [{"classifier": True}, *({"task": t} for t in TASKS)])
def test_a_task_needs_one_matrix(arguments: dict) -> None:
    x = keras.Input((4, 2), name="x")
    for outputs in ({"a": x + 1, "b": x}, x + 1, keras.ops.cast(x[:, 0], "int32")):
        with pytest.raises(ValueError, match=r"one floating-point output of shape \(batch, c"):
            serve(keras.Model(x, outputs), **arguments)


def test_the_argument_comes_before_the_task_of_the_run() -> None:
    assert choose_task(None) is None
    assert choose_task("multilabel", "classification") == "multilabel"
    assert choose_task(None, "regression") == "regression"
    assert choose_task(None, "classification", classifier=True) == "classification"
    assert choose_task(None, "classification", classifier=False) is None
    assert choose_task("regression", classifier=False) == "regression"
    # A run of an older version has no task.
    assert choose_task(None, "") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("regression", None, True), "classifier=True contradicts task='regression'"),
        (("binary", None, False), "classifier=False contradicts task='binary'"),
        ((None, "regression", True), "contradicts the task of the run, 'regression'"),
        ((None, "ranking", None), "Unknown task 'ranking'"),
    ],
)
def test_contradictions_are_rejected(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_task(*arguments)
