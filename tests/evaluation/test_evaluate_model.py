"""kerasnets.evaluation.evaluate, on models whose outputs are their inputs."""

from __future__ import annotations

import types

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.evaluation import classification_metrics, evaluate, get_task, sigmoid, softmax
from kerasnets.evaluation.binary import choose_threshold
from kerasnets.evaluation.bootstrap import RESAMPLES
from kerasnets.evaluation.tasks import TASKS, output_names
from tests.evaluation.helpers import DATA, classes, identity_model, make_data


@pytest.mark.parametrize("name", TASKS)
def test_each_split_is_measured_by_the_task(name):
    data, task = DATA[name](), get_task(name)
    results = evaluate(identity_model(data.train.x.shape[1]), data)
    assert list(results) == ["train", "validation", "test"]
    for split_name, split in data.splits.items():
        assert results[split_name] == task.evaluate(
            split.y,
            task.predictions(split.x),
            output_names(data),
            groups=split.groups,
            resamples=0 if split_name == "train" else RESAMPLES,
        )


def test_several_classes_have_the_classification_metrics():
    data = DATA["classification"]()
    results = evaluate(identity_model(3), data, splits=("test",))
    expected = classification_metrics(data.test.y, softmax(data.test.x), "abc")
    assert results == {"test": expected}


def test_a_run_loads_its_own_data():
    data = DATA["multilabel"]()
    run = types.SimpleNamespace(model=identity_model(4), task="multilabel", load_data=lambda: data)
    assert evaluate(run, splits=("train",)) == evaluate(run, data, splits=("train",))


def test_a_model_without_data_is_refused():
    with pytest.raises(ValueError, match=r"needs data= for a Functional.*Pass a kerasnets.Dataset"):
        evaluate(identity_model(3))


def test_the_threshold_is_chosen_on_validation_and_used_on_test():
    data = DATA["binary"]()
    best = choose_threshold(data.validation.y, sigmoid(data.validation.x)[:, 0], "youden")
    run = types.SimpleNamespace(
        model=identity_model(1), recipe=types.SimpleNamespace(threshold="youden")
    )
    for result in (
        evaluate(run, data, splits=("test",)),
        evaluate(run.model, data, splits=("test",), threshold="youden"),
        evaluate(run.model, data, splits=("test",), threshold=best),
    ):
        assert result["test"]["threshold"] == best
    assert evaluate(run, data, splits=("test",), threshold="fixed")["test"]["threshold"] == 0.5


@pytest.mark.parametrize("name", ["classification", "multilabel", "regression"])
def test_a_threshold_rule_without_two_classes_is_refused(name):
    data = DATA[name]()
    model = identity_model(data.train.x.shape[1])
    with pytest.raises(ValueError, match="'youden' needs two classes"):
        evaluate(model, data, threshold="youden")


@pytest.mark.parametrize("name", ["classification", "regression"])
def test_a_threshold_without_meaning_is_refused(name):
    data = DATA[name]()
    with pytest.raises(ValueError, match="no decision threshold"):
        evaluate(identity_model(data.train.x.shape[1]), data, threshold=0.4)


def test_the_task_can_be_passed():
    data = make_data("classification", classes(2), 2, ("no", "yes"))
    expected = evaluate(identity_model(2), data, splits=("test",))
    assert evaluate(identity_model(2), data, splits=("test",), task="classification") == expected
    with pytest.raises(ValueError, match=r"binary task .* must be 1, got 2"):
        evaluate(identity_model(2), data, task="binary")
    with pytest.raises(ValueError, match="Unknown task 'ranking'"):
        evaluate(identity_model(2), data, task="ranking")


def test_a_subclassed_model_is_evaluated():
    @keras.saving.register_keras_serializable("test_evaluate_model")
    class Doubled(keras.Model):
        def call(self, x):
            return 2 * x

    data = DATA["classification"]()
    expected = classification_metrics(data.test.y, softmax(2 * data.test.x), "abc")
    assert evaluate(Doubled(), data, splits=("test",))["test"] == expected


def test_a_model_attribute_named_task_is_ignored():
    model, data = identity_model(3), DATA["classification"]()
    model.task = "my own"
    assert evaluate(model, data, splits=("test",))["test"]["n"] == len(data.test)


def test_bad_arguments_are_refused():
    data = DATA["classification"]()
    with pytest.raises(ValueError, match=r"Unknown split 'tset'. Did you mean 'test'"):
        evaluate(identity_model(3), data, splits=("tset",))
    with pytest.raises(ValueError, match="got str"):
        evaluate("seizure-cnn", data)
    with pytest.raises(ValueError, match="must be 3, got 5"):
        evaluate(identity_model(5), data)
    inputs = keras.Input((4, 3))
    sequence = keras.Model(inputs, keras.layers.Identity()(inputs), name="sequence")
    with pytest.raises(ValueError, match=r"one output.*'sequence' has \(None, 4, 3\)"):
        evaluate(sequence, data)
    two = keras.Model(inputs, [inputs, inputs], name="two")
    with pytest.raises(ValueError, match=r"one output.*'two' has"):
        evaluate(two, data)


def test_outputs_that_are_not_finite_are_refused():
    data = DATA["regression"]()
    data.test.x[3] = np.nan
    with pytest.raises(ValueError, match="1 of 30 rows have NaN"):
        evaluate(identity_model(2), data)
