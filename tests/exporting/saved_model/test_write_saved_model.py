"""Parts of the SavedModel that verification does not compare: classify, NaN, padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import tf
from kerasnets.exporting.saved_model.write_saved_model import write_saved_model
from kerasnets.exporting.signature import serve
from tests.exporting.helpers import CLASSES, TrainedNet, dense_model


def test_classify_returns_the_most_probable_class(exported: Path, trained: TrainedNet) -> None:
    rows = trained.example_inputs
    classify = tf.saved_model.load(str(exported)).signatures["classify"]
    outputs = classify(signal=tf.constant(rows))
    probabilities = tf.nn.softmax(trained.model(rows)).numpy()
    names = [CLASSES[best] for best in probabilities.argmax(axis=1)]
    assert len(set(names)) > 1
    assert [name.decode() for name in outputs["class_name"].numpy()] == names
    np.testing.assert_allclose(outputs["probability"], probabilities.max(axis=1), atol=1e-6)


def test_one_column_is_the_probability_of_the_second_class(tmp_path: Path) -> None:
    model = dense_model(1, 1, kernel_initializer="ones", name="logits")
    assert write_saved_model(serve(model), tmp_path, ("no", "yes")) == [
        "serving_default",
        "classify",
    ]
    outputs = tf.saved_model.load(str(tmp_path)).signatures["classify"](
        x=tf.constant([[-1.0], [0], [2]])
    )
    assert outputs["class_name"].numpy().tolist() == [b"no", b"yes", b"yes"]
    expected = 1 / (1 + np.exp([-1.0, 0, -2.0]))
    np.testing.assert_allclose(outputs["probability"], expected, rtol=1e-6)


def test_classify_of_a_multilabel_model_returns_every_label(tmp_path: Path) -> None:
    model = dense_model(2, 1, kernel_initializer="ones")
    write_saved_model(serve(model, "multilabel"), tmp_path, ("cough", "fever"))
    outputs = tf.saved_model.load(str(tmp_path)).signatures["classify"](x=tf.constant([[0.0], [2]]))
    assert outputs["class_name"].numpy().tolist() == [[b"cough", b"fever"]] * 2
    expected = [[0.5, 0.5], [1 / (1 + np.exp(-2.0))] * 2]
    np.testing.assert_allclose(outputs["probability"], expected, rtol=1e-6)


def test_without_class_names_there_is_only_the_default_signature(tmp_path: Path) -> None:
    served = serve(kn.build("seizure-mlp", units=(2,), samples=4))
    assert write_saved_model(served, tmp_path) == ["serving_default"]
    assert set(tf.saved_model.load(str(tmp_path)).signatures) == {"serving_default"}


@pytest.mark.parametrize("signature", ["serving_default", "classify"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_error_names_rows_that_are_not_finite(
    exported: Path, value: float, signature: str
) -> None:
    run = tf.saved_model.load(str(exported)).signatures[signature]
    rows = np.zeros((9, 178), "float32")
    rows[[3, 7], 100] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"signal holds NaN.*\[3 7\]"):
        run(signal=tf.constant(rows))
    rows[[3, 7]] = 0
    run(signal=tf.constant(rows))


def test_padding_may_hold_nan(tmp_path: Path) -> None:
    net = kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,))
    write_saved_model(serve(net), tmp_path)
    run = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    visits, length = np.ones((3, 4, 2), "float32"), np.array([4, 2, 0], "int32")
    clean = run(visits=tf.constant(visits), length=tf.constant(length))
    visits[1, 2:] = visits[2] = np.nan
    padded = run(visits=tf.constant(visits), length=tf.constant(length))
    np.testing.assert_array_equal(padded["logits"], clean["logits"])
    visits[1, 1] = np.nan
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"visits holds NaN.*\[1\]"):
        run(visits=tf.constant(visits), length=tf.constant(length))
