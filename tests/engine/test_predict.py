"""Every example once, in its place, however many batches a call takes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras, tf
from kerasnets.engine import pace as _pace
from kerasnets.engine import predict as module
from kerasnets.engine.predict import forward


@pytest.fixture(scope="module")
def visits():
    return kn.load_data("mortality-simulated", patients=120).train.x


def doubling(width=3, dtype="float32"):
    inputs = keras.Input((width,), dtype=dtype)
    return keras.Model(inputs, keras.layers.Lambda(lambda x: 2 * x, dtype=dtype)(inputs))


@pytest.mark.parametrize("rows", [1, 4, 5, 67])
@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_outputs_are_those_of_the_rows(rows, batch_size):
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    np.testing.assert_array_equal(forward(doubling(), x, batch_size), 2 * x)


@pytest.mark.parametrize("seconds", [0, 10])
def test_the_bits_do_not_depend_on_how_many_batches_a_call_takes(visits, seconds, monkeypatch):
    keras.utils.set_random_seed(0)
    model = kn.build("mortality-gru", features=visits.features)
    monkeypatch.setattr(_pace, "SECONDS_A_CALL", seconds)
    given = forward(model, visits, 4)
    monkeypatch.setattr(_pace, "SECONDS_A_CALL", 1e-3)
    np.testing.assert_array_equal(given, forward(model, visits, 4))
    np.testing.assert_allclose(given, model(visits.dense(), training=False), atol=1e-5)


def test_a_model_sees_batches_and_a_call_takes_several(monkeypatch):
    monkeypatch.setattr(_pace, "SECONDS_A_CALL", 10)
    model, calls, run = doubling(), [], module._run
    monkeypatch.setattr(module, "_run", lambda *given: calls.append(len(given[1])) or run(*given))
    forward(model, np.ones((700, 3), "float32"), 4)
    assert calls == [4, 32, 256, 408]
    calls.clear()
    monkeypatch.setattr(module, "_MOST_BYTES", 4 * 4 * 3 * 10)  # ten batches; the pace is kept
    forward(model, np.ones((100, 3), "float32"), 4)
    assert calls == [40, 40, 20]


def test_batch_statistics_are_not_touched_and_dropout_is_off():
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.9)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    before = [weight.copy() for weight in model.get_weights()]
    x = np.random.default_rng(0).normal(size=(9, 3)).astype("float32")
    np.testing.assert_allclose(forward(model, x, 4), x / np.sqrt(1 + 1e-3), rtol=1e-6)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_function_is_compiled_once_for_all_inputs_alike_and_sees_new_weights(monkeypatch):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="ones")(inputs))
    compiled = []
    real = module._compile
    monkeypatch.setattr(module, "_compile", lambda *given: compiled.append(1) or real(*given))
    for rows, size in itertools.product((3, 50), (2, 16)):
        assert (forward(model, np.ones((rows, 3), "float32"), size) == 3).all()
    model.layers[1].kernel.assign(np.zeros((3, 2)))
    assert not forward(model, np.ones((3, 3), "float32"), 2).any()
    assert len(compiled) == 1


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_the_precision_is_the_models(dtype):
    x = np.array([[1 / 3, 2 / 3, 1.0]], dtype)
    given = forward(doubling(dtype=dtype), x, 4)
    assert given.dtype == dtype
    np.testing.assert_array_equal(given, 2 * x)


@pytest.mark.parametrize("batch_size", [np.int64(2), 2**40])
def test_any_whole_number_is_a_batch_size(batch_size):
    assert (forward(doubling(), np.ones((5, 3), "float32"), batch_size) == 2).all()


@pytest.mark.parametrize("batch_size", [0, -1])
def test_no_batch_at_all_is_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        forward(doubling(), np.ones((2, 3), "float32"), batch_size)


def test_several_outputs_are_refused():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, [inputs * 1, inputs * 2], name="two")
    with pytest.raises(ValueError, match=r"'two' has \[\(None, 3\), \(None, 3\)\]"):
        forward(model, np.ones((2, 3), "float32"), 2)


def test_it_stops_at_an_error_inside_the_model():
    inputs = keras.Input((3,))
    checked = keras.layers.Lambda(lambda x: tf.debugging.check_numerics(x, "not a number"))
    model = keras.Model(inputs, checked(inputs))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a number"):
        forward(model, np.full((5, 3), np.nan, "float32"), 2)
