"""A model is left as it was, with compiled functions that are used until the model changes."""

from __future__ import annotations

import copy
import gc
import weakref

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.engine import cache
from tests.engine import custom_models as custom
from tests.engine.helpers import assert_same_history, fit, keras_fit
from tests.engine.models import CASES, arguments, compiled

KEPT = "_kerasnets_compiled"


def options(**more):
    return arguments(CASES["dense"]) | {"epochs": 1, "batch_size": 8, "shuffle": False} | more


@keras.saving.register_keras_serializable("tests")
class Counted(keras.layers.Layer):
    """Counts how often it is traced."""

    calls = 0

    def call(self, x):
        Counted.calls += 1
        return x


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(4, "relu"), keras.layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((8,)), Counted(), *layers]), "sgd")


def traces(function, *values, **options):
    before = Counted.calls
    function(*values, **options)
    return Counted.calls - before


def test_a_second_fit_traces_nothing_though_weights_and_rows_are_others(model):
    x, y = options()["x"], options()["y"]
    validation = {"validation_data": (x, y)}
    assert traces(fit, model, **options(), **validation) > 0
    assert traces(fit, model, **options(x=x + 1), **validation) == 0
    assert traces(kn.predict, model, x) > 0
    assert traces(fit, model, **options(), **validation) == 0
    assert traces(kn.predict, model, x) == 0


def recompile(model):
    model.compile("sgd", "mse")


def freeze(model):
    model.layers[1].trainable = False
    recompile(model)


def other_activation(model):
    model.layers[1].activation = keras.activations.tanh


def other_optimizer(model):
    model.optimizer = keras.optimizers.SGD(0.5)


def other_loss(model):
    model.compile("sgd", "mae")


@pytest.mark.parametrize(
    "change", [recompile, freeze, other_activation, other_optimizer, other_loss]
)
def test_what_changes_a_model_is_seen_by_the_next_fit(model, change):
    expected = keras.models.clone_model(model)
    expected.set_weights(model.get_weights())
    recompile(expected)
    for one, run in ((model, fit), (expected, keras_fit)):
        run(one, **options())
        change(one)
    if change in (other_activation, other_optimizer):  # which Keras does not see by itself
        expected.make_train_function(force=True)
    before = Counted.calls
    history = fit(model, **options())
    assert Counted.calls > before
    assert_same_history(history, keras_fit(expected, **options()))
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_replaced_layer_is_seen_without_compile():
    model = custom.subclassed()
    given = options(batch_size=64)
    model(given["x"])
    model.hidden.trainable = False
    model.compile(keras.optimizers.SGD(0.0), "mse")  # the loss is then that of the weights
    fit(model, **given)
    layer = keras.layers.Dense(8, "tanh", trainable=False)
    layer.build((None, 8))
    # As Keras's own quantization does: a built model takes no new layer.
    model._tracker.unlock()
    model.hidden = layer
    model._tracker.lock()
    history = fit(model, **given)
    results = model.test_on_batch(given["x"], given["y"])[0]
    np.testing.assert_allclose(history["loss"], results, atol=1e-6)


def test_nothing_is_left_on_the_model_but_what_is_kept(model):
    untouched = keras.models.clone_model(model)
    recompile(untouched)
    given = options(validation_data=(options()["x"], options()["y"]))
    keras_fit(untouched, **given)
    fit(model, **given)
    own = {"history", KEPT, "train_function", "test_function"}
    assert set(vars(model)) - own == set(vars(untouched)) - own
    for layer, other in zip(model.layers, untouched.layers, strict=True):
        assert set(vars(layer)) == set(vars(other))
    assert set(vars(model.optimizer)) == set(vars(untouched.optimizer))
    assert model.train_function is None
    assert model.test_function is None


def test_everything_of_keras_works_afterwards(model, tmp_path):
    given = options()
    fit(model, **given)
    x, y = given["x"], given["y"]
    predicted = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), predicted, atol=1e-6)
    assert KEPT not in vars(loaded)
    model.export(tmp_path / "saved", verbose=False)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(np.mean((predicted - y) ** 2), rel=1e-4)
    model.fit(**given, verbose=0)
    recompile(model)
    fit(model, **given)
    fit(loaded, **given)
    for layer in model.layers[1:]:
        layer.quantize("int8")
    model.make_predict_function(force=True)
    np.testing.assert_allclose(kn.predict(model, x), model.predict(x, verbose=0), atol=1e-6)


def test_a_copy_of_a_model_has_functions_of_its_own(model):
    fit(model, **options())
    kn.predict(model, options()["x"])
    other = copy.deepcopy(model)
    other.set_weights([0 * weight for weight in other.get_weights()])
    assert not kn.predict(other, options()["x"]).any()
    assert kn.predict(model, options()["x"]).any()


def test_neither_the_model_nor_its_data_are_kept_alive(model):
    x = options()["x"].copy()
    kept = weakref.ref(x)
    fit(model, **options(x=x), validation_data=(x, options()["y"]))
    del x
    gc.collect()
    assert kept() is None


def test_the_oldest_functions_are_dropped(model, monkeypatch):
    monkeypatch.setattr(cache, "_MAX_FUNCTIONS", 2)
    made = []

    def make(key):
        return cache.compiled_for(model, key, lambda: made.append(key) or key)

    for key in ("a", "b", "a", "c", "b", "a"):
        assert make(key) == key
    assert made == ["a", "b", "c", "a"]
