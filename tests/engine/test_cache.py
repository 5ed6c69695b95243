"""Compiled functions are cached on a model and used until it changes; nothing else is changed."""

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

CACHE_NAME = "_kerasnets_compiled"


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


def test_a_second_fit_with_other_weights_and_rows_traces_nothing(model):
    x, y = options()["x"], options()["y"]
    validation = {"validation_data": (x, y)}
    assert traces(fit, model, **options(), **validation) > 0
    assert traces(fit, model, **options(x=x + 1), **validation) == 0
    assert traces(kn.predict, model, x) > 0
    assert traces(fit, model, **options(), **validation) == 0
    assert traces(kn.predict, model, x) == 0


def test_a_recurrent_model_is_traced_once():
    """Its cells get an attribute for the mask of their dropout whenever they are called."""
    inputs = keras.Input((5, 8))
    hidden = keras.layers.GRU(4, dropout=0.5, recurrent_dropout=0.5)(Counted()(inputs))
    recurrent = compiled(keras.Model(inputs, keras.layers.Dense(1)(hidden)))
    x, y = np.zeros((9, 5, 8), "float32"), np.zeros(9, "float32")
    for count in (1, 0):
        assert min(1, traces(kn.predict, recurrent, x)) == count
    for count in (1, 0):
        assert min(1, traces(fit, recurrent, x=x, y=y)) == count


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
def test_a_changed_model_is_traced_again_by_the_next_fit(model, change):
    expected = keras.models.clone_model(model)
    expected.set_weights(model.get_weights())
    recompile(expected)
    for one, run in ((model, fit), (expected, keras_fit)):
        run(one, **options())
        change(one)
    if change in (other_activation, other_optimizer):  # Keras does not notice these
        expected.make_train_function(force=True)
    before = Counted.calls
    history = fit(model, **options())
    assert Counted.calls > before
    assert_same_history(history, keras_fit(expected, **options()))
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_replaced_layer_is_noticed_without_compile():
    model = custom.subclassed()
    args = options(batch_size=64)
    model(args["x"])
    model.hidden.trainable = False
    model.compile(
        keras.optimizers.SGD(0.0), "mse"
    )  # with rate 0, the loss depends only on the weights
    fit(model, **args)
    layer = keras.layers.Dense(8, "tanh", trainable=False)
    layer.build((None, 8))
    # Keras's own quantization does the same, because a built model takes no new layer.
    model._tracker.unlock()
    model.hidden = layer
    model._tracker.lock()
    history = fit(model, **args)
    results = model.test_on_batch(args["x"], args["y"])[0]
    np.testing.assert_allclose(history["loss"], results, atol=1e-6)


def test_only_the_cache_is_added_to_the_model(model):
    untouched = keras.models.clone_model(model)
    recompile(untouched)
    args = options(validation_data=(options()["x"], options()["y"]))
    keras_fit(untouched, **args)
    fit(model, **args)
    own = {"history", CACHE_NAME, "train_function", "test_function"}
    assert set(vars(model)) - own == set(vars(untouched)) - own
    for layer, other in zip(model.layers, untouched.layers, strict=True):
        assert set(vars(layer)) == set(vars(other))
    assert set(vars(model.optimizer)) == set(vars(untouched.optimizer))
    assert model.train_function is None
    assert model.test_function is None


def test_all_methods_of_keras_work_afterwards(model, tmp_path):
    args = options()
    fit(model, **args)
    x, y = args["x"], args["y"]
    predicted = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), predicted, atol=1e-6)
    assert CACHE_NAME not in vars(loaded)
    model.export(tmp_path / "saved", verbose=False)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(np.mean((predicted - y) ** 2), rel=1e-4)
    model.fit(**args, verbose=0)
    recompile(model)
    fit(model, **args)
    fit(loaded, **args)
    for layer in model.layers[1:]:
        layer.quantize("int8")
    model.make_predict_function(force=True)
    np.testing.assert_allclose(kn.predict(model, x), model.predict(x, verbose=0), atol=1e-6)


def test_a_copy_of_a_model_has_separate_functions(model):
    fit(model, **options())
    kn.predict(model, options()["x"])
    other = copy.deepcopy(model)
    other.set_weights([0 * weight for weight in other.get_weights()])
    assert not kn.predict(other, options()["x"]).any()
    assert kn.predict(model, options()["x"]).any()


def test_neither_the_model_nor_its_data_are_kept_alive(model):
    x = options()["x"].copy()
    reference = weakref.ref(x)
    fit(model, **options(x=x), validation_data=(x, options()["y"]))
    del x
    gc.collect()
    assert reference() is None


def test_the_oldest_functions_are_dropped(model, monkeypatch):
    monkeypatch.setattr(cache, "_MAX_FUNCTIONS", 2)
    created = []

    def make(key):
        return cache.compiled_for(model, key, lambda: created.append(key) or key)

    for key in ("a", "b", "a", "c", "b", "a"):
        assert make(key) == key
    assert created == ["a", "b", "c", "a"]
