"""A user's own model is not changed, and is trained with its own compile settings."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.training import resume
from kerasnets.training.plan import Plan
from tests.training.helpers import (
    CLASSES,
    FEATURES,
    assert_same_bits,
    dataset,
    small_model,
    train,
    train_interrupted,
)

DATA = dataset(64)
X, Y = DATA.train.x, DATA.train.y


def loss():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(model=None, **options):
    """Compile a model with settings that no recipe has."""
    model = model or small_model()
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    top = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")
    model.compile(optimizer, loss(), metrics=["accuracy", top], **options)
    return model


def check_usable(model, path):
    """Call the methods of a Keras model."""
    model.fit(X, Y, epochs=1, verbose=0)
    assert np.isfinite(model.evaluate(X, Y, verbose=0)).all()
    assert model.predict(X, verbose=0).shape == (len(X), CLASSES)
    model.save(path)
    np.testing.assert_allclose(keras.saving.load_model(path)(X), model(X), atol=1e-6)
    model.compile("adam", loss(), run_eagerly=True)  # tracing takes longer
    model.fit(X, Y, epochs=1, verbose=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Layer .* does not have a `quantize` method")
        model.quantize("int8")
    assert model.predict(X, verbose=0).shape == (len(X), CLASSES)


@pytest.mark.parametrize("rescaling", ["none", "standard"])
def test_the_user_s_model_is_not_changed_and_both_models_can_be_used(rescaling, tmp_path):
    mine = compiled()
    mine.fit(X, Y, epochs=1, verbose=0)
    optimizer, function = mine.optimizer, mine.train_function
    state = [*mine.variables, *mine.optimizer.variables]
    before = [value.numpy() for value in state]
    run = train(mine, DATA, tmp_path / "run", epochs=2, rescaling=rescaling)
    assert mine.optimizer is optimizer
    assert mine.train_function is function
    assert_same_bits([value.numpy() for value in state], before)
    assert not np.array_equal(run.model.get_weights()[-1], mine.get_weights()[-1])
    check_usable(mine, tmp_path / "mine.keras")
    check_usable(run.model, tmp_path / "trained.keras")


def test_a_model_that_is_not_compiled_stays_so(tmp_path):
    mine = small_model()
    before = mine.get_weights()
    train(mine, DATA, tmp_path / "run", epochs=1)
    assert not mine.compiled
    assert_same_bits(mine.get_weights(), before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(compiled(), DATA, tmp_path_factory.mktemp("runs") / "run", epochs=3)


def test_the_user_s_optimizer_loss_and_metrics_are_used(trained):
    """Compare with Keras's own training on rescaled inputs, in the same batches."""
    assert trained.recipe.optimizer == "compiled"
    optimizer = trained.model.optimizer
    assert type(optimizer) is keras.optimizers.SGD
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)
    metrics = {"loss", "accuracy", "top_2"}
    assert set(trained.history) == metrics | {f"val_{m}" for m in metrics} | {"learning_rate"}
    assert trained.history["learning_rate"] == pytest.approx([0.05] * 3)

    mean, deviation = (f(X.astype("float64"), axis=0) for f in (np.mean, np.std))
    x, plain = ((X - mean) / deviation).astype("float32"), compiled()
    for epoch in range(3):
        logs = []
        for rows in Plan(trained.recipe, DATA).schedule.epoch(epoch).rows:
            plain.reset_metrics()  # Keras before 3.15 adds up the metrics of all batches
            logs.append(plain.train_on_batch(x[rows], Y[rows], return_dict=True))
        for name in metrics:
            mean_of_batches = np.mean([values[name] for values in logs])
            assert trained.history[name][epoch] == pytest.approx(mean_of_batches, abs=1e-5)


def test_a_compiled_model_is_resumed(trained, tmp_path):
    train_interrupted(compiled(), DATA, tmp_path / "run", 1, epochs=3)
    resumed = resume(tmp_path / "run", data=DATA, progress=False)
    assert resumed.history == trained.history
    assert_same_bits(resumed.model.get_weights(), trained.model.get_weights())


def test_a_resumed_run_with_gradient_accumulation_counts_its_epochs(tmp_path):
    def model():
        model = small_model()
        model.compile(keras.optimizers.Adam(0.01, gradient_accumulation_steps=3), loss())
        return model

    complete = train(model(), DATA, tmp_path / "a", epochs=3, batch_size=16)
    train_interrupted(model(), DATA, tmp_path / "b", 2, epochs=3, batch_size=16)
    resumed = resume(tmp_path / "b", data=DATA, progress=False)
    assert resumed.environment["sessions"][1]["epochs"] == [3, 3]
    assert resumed.history == complete.history
    assert_same_bits(resumed.model.get_weights(), complete.model.get_weights())


@pytest.mark.parametrize(
    "settings", [{"optimizer": "adam"}, {"learning_rate": 0.1}, {"schedule": "cosine"}]
)
def test_settings_that_contradict_compile_are_refused(settings, tmp_path):
    (name,) = settings
    with pytest.raises(ValueError, match=rf"small is compiled with SGD, which is used; {name}="):
        train(compiled(), DATA, tmp_path / "run", **settings)
    assert not list(tmp_path.iterdir())


def test_a_monitor_that_the_user_does_not_measure_is_refused_before_the_first_step(tmp_path):
    model = small_model()
    model.compile("adam", loss())
    with pytest.raises(ValueError, match=r"'val_accuracy' is not measured; choose one of val_loss"):
        train(model, DATA, tmp_path / "run", monitor="val_accuracy")
    assert not list(tmp_path.iterdir())


def half_step(model, data):
    """A training step with half of the loss and an additional log."""
    x, y = data
    with tf.GradientTape() as tape:
        value = 0.5 * model.compute_loss(x, y, model(x, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return {"loss": value, "half": tf.constant(0.5)}


@keras.saving.register_keras_serializable("tests")
class Functional(keras.Model):
    """A functional model with a custom training step."""

    def train_step(self, data):
        return half_step(self, data)


@keras.saving.register_keras_serializable("tests")
class Stack(keras.Sequential):
    """A Sequential model with a custom training step."""

    def train_step(self, data):
        return half_step(self, data)


@keras.saving.register_keras_serializable("tests")
class WithUnits(keras.Model):
    """A model whose ``__init__`` takes the number of units and creates the layers."""

    def __init__(self, units=8, **options):
        inputs = keras.Input((FEATURES,))
        hidden = keras.layers.Dense(units, "relu")(inputs)
        super().__init__(inputs, keras.layers.Dense(CLASSES)(hidden), **options)
        self.units = units

    def train_step(self, data):
        return half_step(self, data)

    def get_config(self):
        return {"units": self.units, "name": self.name}


def own(kind):
    keras.utils.set_random_seed(0)
    if kind == "functional":
        inputs = keras.Input((FEATURES,))
        model = Functional(inputs, keras.layers.Dense(CLASSES)(inputs), name="own")
    elif kind == "stack":
        model = Stack([keras.Input((FEATURES,)), keras.layers.Dense(CLASSES)], name="own")
    else:
        model = WithUnits(name="own")
    model.compile("sgd", loss())
    return model


@pytest.mark.parametrize(
    ("kind", "rescaling"), [("functional", "standard"), ("stack", "standard"), ("units", "none")]
)
def test_a_training_step_of_the_user_s_is_kept(kind, rescaling, tmp_path):
    run = train(own(kind), DATA, tmp_path / "run", epochs=2, rescaling=rescaling)
    assert run.history["half"] == [0.5, 0.5]
    assert type(run.model) is type(own(kind))
    check_usable(run.model, tmp_path / "trained.keras")


def test_a_training_step_that_rescaling_would_lose_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"would lose the methods of WithUnits.*rescaling='none'"):
        train(own("units"), DATA, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_the_trained_model_runs_in_kn_fit_and_kn_predict(trained):
    model = trained.model
    history = kn.fit(model, X, Y, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    np.testing.assert_allclose(kn.predict(model, X), model.predict(X, verbose=0), atol=1e-6)
