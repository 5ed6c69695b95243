"""Wrong data, models and settings are refused before any work, and leave no folder behind."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest

import kerasnets as kn
from kerasnets.engine.loop import XlaCannotError
from kerasnets.training.plan import Plan
from tests.training.helpers import CLASSES, FEATURES, dataset, small_model, train

DATA = dataset(32)
NAN = DATA.train.x.copy()
NAN[3, 5] = np.nan
LABELS = DATA.test.y.copy()
LABELS[0] = 3


def replaced(part, **changes):
    return dataclasses.replace(DATA, **{part: dataclasses.replace(DATA.splits[part], **changes)})


WRONG_DATA = {
    "NaN": (replaced("train", x=NAN), "train split of small holds NaN or infinite inputs"),
    "text": (replaced("train", x=NAN.astype("U8")), "train split of small holds <U8, not numbers"),
    "label too large": (replaced("test", y=LABELS), r"test split of small: .* in 0…2 .* got 0…3"),
    "float labels": (replaced("test", y=LABELS / 2), "test split of small: .* got float64"),
    "too few labels": (replaced("test", y=LABELS[1:] % 3), "has 39 labels for 40 inputs"),
    "one-hot": (replaced("test", y=np.eye(3, dtype=int)[LABELS % 3]), r"shape \(40, 3\)"),
    "class names": (dataclasses.replace(DATA, class_names=("a", "a", "b")), "different names"),
    "empty": (replaced("validation", x=NAN[:0], y=LABELS[:0]), "validation split of small is empt"),
    "shapes": (
        replaced("train", x=DATA.train.x[:, :9]),
        r"differ in shape between its splits: {'train': \(9,\), 'validation': \(12,\)",
    ),
    "pair": (
        (DATA.train.x, DATA.train.y),
        r"got tuple\. For your own data: .*from_arrays\(x, y\)",
    ),
    "list": ([1, 2, 3], "got list"),
    "array": (DATA.train.x, "got numpy ndarray"),
    "frame": (pd.DataFrame({"a": [1]}), r"got pandas DataFrame\. .*from_frame\(frame, target=…\)"),
    "none": (None, r"got None\. For your own data"),
    "unknown name": ("seizure-simulatd", "Did you mean 'seizure-simulated'"),
}


@pytest.mark.parametrize("case", WRONG_DATA)
def test_wrong_data_are_refused(case, tmp_path):
    data, message = WRONG_DATA[case]
    with pytest.raises(ValueError, match=message):
        train(small_model(), data, tmp_path / "new" / "run")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"net_arguments": {"classes": 6}}, "outputs of the model must be 5, got 6"),
        ({"split": "row"}, "split='row' contradicts the data set, which has 'recording'"),
        ({"split_seed": 3}, "split_seed=3 contradicts the data set, which has 0"),
        ({"epochs": 0}, "epochs = 0"),
        ({"data_options": 7}, "data_options=7 contradicts the data set"),
        ({"epoch": 3}, "Did you mean 'epochs'"),
        ({"monitor": "val_mae"}, r"'val_mae' is not measured .*: choose|'val_mae' is not measured"),
        ({"threshold": "f1"}, "threshold rule 'f1' needs two classes"),
        ({"task": "regression"}, "task='regression', but seizure-mlp and .* are classification"),
    ],
)
def test_wrong_settings_are_refused(settings, message, tmp_path):
    data = kn.load_data("seizure-simulated", recordings_per_class=3)
    with pytest.raises(ValueError, match=message):
        train("seizure-mlp", data, tmp_path / "r", **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [7, None])
def test_wrong_options_of_a_named_data_set_are_refused(options, tmp_path):
    with pytest.raises(ValueError, match=f"data_options = {options}"):
        train("seizure-mlp", "seizure-simulated", tmp_path / "r", data_options=options)


class Unregistered(keras.layers.Layer):
    """A layer that Keras does not know by name."""

    def call(self, x):
        return 2 * x


class Subclassed(keras.Model):
    """A model without inputs until it is called."""

    def call(self, x):
        return x


def _models():
    inputs = keras.Input((FEATURES,), name="signal")
    dense = keras.layers.Dense(CLASSES)
    softmax = keras.layers.Dense(CLASSES, "softmax")(inputs)
    eager = small_model()
    eager.compile("adam", keras.losses.SparseCategoricalCrossentropy(True), run_eagerly=True)
    twice = keras.Model(inputs, [dense(inputs), softmax], name="twice")
    sequence = keras.layers.Reshape((FEATURES, 1))(inputs)
    return {
        "softmax": (keras.Model(inputs, softmax, name="soft"), r"soft ends in probabilities \(de"),
        "softmax layer": (
            keras.Model(inputs, keras.layers.Softmax()(dense(inputs)), name="soft"),
            "soft ends in probabilities",
        ),
        "outputs": (small_model(outputs=4), "outputs of the model must be 3, got 4"),
        "inputs": (
            keras.Sequential([keras.Input((9,)), keras.layers.Dense(3)]),
            r"takes inputs of shape \(9,\); small has \(12,\)",
        ),
        "open": (keras.Sequential([keras.layers.Dense(3)], name="open"), "open has no inputs yet"),
        "subclassed": (Subclassed(name="sub"), "sub has no inputs"),
        "two outputs": (twice, "twice has outputs of shape .* needs one output"),
        "3-D": (keras.Model(inputs, sequence, name="long"), "long has outputs of shape"),
        "unregistered": (
            keras.Model(inputs, dense(Unregistered()(inputs))),
            "cannot be loaded from its own file.*register",
        ),
        "lambda": (
            keras.Model(inputs, dense(keras.layers.Lambda(lambda x: x)(inputs))),
            "cannot be loaded from its own file.*Lambda",
        ),
        "eager": (eager, "the model runs eagerly"),
        "number": (7, "net must be a name of the catalogue, a Recipe or a keras.Model, got int"),
        "none": (None, "net must be .*, got NoneType"),
        "name": ("seizure-mpl", "Did you mean 'seizure-mlp'"),
    }


@pytest.mark.parametrize("case", _models())
def test_models_that_cannot_be_trained_are_refused(case, tmp_path):
    model, message = _models()[case]
    with pytest.raises(ValueError, match=message):
        train(model, DATA, tmp_path / "new" / "run")
    assert not list(tmp_path.iterdir())


class Failing(keras.callbacks.Callback):
    """A user's callback with an error."""

    def on_train_begin(self, logs=None):
        raise RuntimeError("mistake")


def test_a_start_that_fails_later_leaves_no_folder_behind(tmp_path, monkeypatch):
    out = tmp_path / "new" / "run"
    with pytest.raises(RuntimeError, match="mistake"):
        train(small_model(), DATA, out, callbacks=[Failing()])
    assert not list(tmp_path.iterdir())

    def cannot(plan, model, xla, after_call):
        raise XlaCannotError(model, RuntimeError("no kernel"))

    (tmp_path / "mine").mkdir()
    monkeypatch.setattr(Plan, "runner", cannot)
    with pytest.raises(XlaCannotError, match="XLA cannot compile small"):
        train(small_model(), DATA, tmp_path / "mine" / "run")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]
    monkeypatch.chdir(tmp_path / "mine")
    with pytest.raises(XlaCannotError):
        kn.train(small_model(), data=DATA, progress=False)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


def test_a_failed_resume_keeps_the_run(tmp_path):
    out = tmp_path / "run"

    class Interrupt(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(small_model(), DATA, out, epochs=1, callbacks=[Interrupt()])
    with pytest.raises(RuntimeError, match="mistake"):
        kn.resume(out, data=DATA, callbacks=[Failing()], progress=False)
    assert kn.resume(out, data=DATA, progress=False).metrics
