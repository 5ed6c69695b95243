"""kerasnets.evaluation.predict, on small models whose logits are known."""

import types

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.data.dataset import Dataset, Split
from kerasnets.evaluation import classification_metrics, evaluate, predict_probabilities, softmax


@pytest.fixture(scope="module")
def identity():
    """A model whose logits are its input."""
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Identity()(inputs), name="identity")


def make_split(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n).astype(np.int32)
    x = (rng.normal(size=(n, 3)) + 2 * np.eye(3)[y]).astype(np.float32)
    return Split(x, y)


@pytest.fixture(scope="module")
def data():
    splits = [make_split(n, seed) for seed, n in enumerate((50, 20, 30))]
    return Dataset("blobs", *splits, ("a", "b", "c"), "row", 0, "made here", "")


def test_softmax_is_its_definition_and_survives_large_logits():
    logits = np.array([[0.0, 1.0, 2.0], [1000.0, 1001.0, 1002.0], [-1000.0, -999.0, -998.0]])
    row = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    np.testing.assert_allclose(softmax(logits), [row] * 3, rtol=1e-14)
    assert softmax(logits.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_softmax_refuses_what_is_not_finite(bad):
    with pytest.raises(ValueError, match="1 of 2 examples have NaN or infinite"):
        softmax(np.array([[0.0, 1.0], [0.0, bad]]))


@pytest.mark.parametrize("batch_size", [1, 7, 256])
def test_probabilities_are_those_of_the_logits(identity, data, batch_size):
    x = data.train.x
    np.testing.assert_array_equal(predict_probabilities(identity, x, batch_size), softmax(x))


def test_a_mapping_of_inputs():
    visits, length = keras.Input((2,), name="visits"), keras.Input((), name="length")
    model = keras.Model(
        {"visits": visits, "length": length}, keras.layers.Multiply()([visits, length[:, None]])
    )
    x = {"visits": np.array([[1, 2], [3, 4]], "f4"), "length": np.array([2, 0], "f4")}
    frozen = types.MappingProxyType(x)
    np.testing.assert_array_equal(predict_probabilities(model, frozen), softmax([[2, 4], [0, 0]]))


def test_nothing_to_predict_is_refused(identity):
    with pytest.raises(ValueError, match="no examples"):
        predict_probabilities(identity, np.zeros((0, 3), "f4"))


def test_an_output_that_is_not_one_matrix_is_refused():
    inputs = keras.Input((4, 3))
    model = keras.Model(inputs, keras.layers.Identity()(inputs), name="sequence")
    with pytest.raises(ValueError, match=r"'sequence' has \(None, 4, 3\)"):
        predict_probabilities(model, np.zeros((2, 4, 3), "f4"))


def test_every_split_is_measured_on_its_own(identity, data):
    results = evaluate(identity, data)
    assert list(results) == ["train", "validation", "test"]
    for name, split in data.splits.items():
        expected = classification_metrics(split.y, softmax(split.x), data.class_names)
        assert results[name] == expected


def test_a_run_and_chosen_splits(identity, data):
    run = types.SimpleNamespace(model=identity)
    results = evaluate(run, data, splits=("test",))
    assert list(results) == ["test"]
    assert results["test"]["n"] == len(data.test)


def test_bad_arguments_are_refused(identity, data):
    with pytest.raises(ValueError, match=r"Unknown split 'tset'. Did you mean 'test'"):
        evaluate(identity, data, splits=("tset",))
    with pytest.raises(ValueError, match="got str"):
        evaluate("seizure-cnn", data)
    inputs = keras.Input((3,))
    five = keras.Model(inputs, keras.layers.Dense(5)(inputs), name="five")
    with pytest.raises(ValueError, match=r"3 classes.*'five' gives \(None, 5\)"):
        evaluate(five, data)
