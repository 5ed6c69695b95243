"""``kerasnets.predict`` returns the rows in order, for any number of batches per call."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.engine import CannotCompileError, FallbackWarning
from tests.engine.custom_models import TwoLayers
from tests.engine.helpers import Sequences, assert_same, frame, module_of
from tests.engine.models import CASES, arguments, build, by_length

layers = keras.layers
X = np.random.default_rng(0).normal(size=(9, 3)).astype("float32")


def doubling(width=3, dtype="float32"):
    inputs = keras.Input((width,), dtype=dtype)
    return keras.Model(inputs, layers.Lambda(lambda x: 2 * x, dtype=dtype)(inputs))


@pytest.mark.parametrize("rows", [1, 4, 5, 67])
@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_outputs_are_in_the_order_of_the_rows(rows, batch_size):
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    np.testing.assert_array_equal(kn.predict(doubling(), x, batch_size), 2 * x)


NAMES = ["list-inputs", "dict-inputs", "list-outputs-weighted", "dict-outputs", "nested-outputs",
        "mask-zero-lstm", "length-mask-bidirectional", "cnn-augmented", "mixed-float16",
         ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_outputs_are_those_of_keras(name):
    model, args = build(CASES[name]), arguments(CASES[name])
    expected = model.predict(args["x"], batch_size=8, verbose=0)
    predicted = kn.predict(model, args["x"], 8, strict=True)
    assert type(predicted) is type(expected)
    for a, b in zip(keras.tree.flatten(predicted), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
        assert a.dtype == b.dtype


def test_outputs_may_be_nested_integers_or_have_more_axes():
    inputs = keras.Input((3,))
    outer = layers.Lambda(lambda x: x[:, :, None] * x[:, None])(inputs)
    largest = keras.ops.argmax(inputs, -1)
    model = keras.Model(inputs, {"a": [outer, {"b": inputs}], "c": largest})
    predicted = kn.predict(model, X, 4)
    assert_same(predicted, {"a": [X[:, :, None] * X[:, None], {"b": X}], "c": X.argmax(-1)})
    assert predicted["c"].dtype == np.int32


@pytest.mark.parametrize(
    "x", [X.astype("float64"), tf.constant(X), frame(X), np.asfortranarray(X), X[::1]]
)
def test_inputs_may_be_what_keras_takes(x):
    np.testing.assert_array_equal(kn.predict(doubling(), x, 4), 2 * X)


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_the_precision_is_that_of_keras(dtype):
    # Keras casts inputs to float32 before the model casts them to its own type.
    x = np.array([[1 / 3, 2 / 3, 1.0]], dtype)
    model = doubling(dtype=dtype)
    predicted = kn.predict(model, x, 4)
    assert predicted.dtype == dtype
    np.testing.assert_array_equal(predicted, model.predict(x, verbose=0))


@pytest.mark.parametrize("seconds", [0, 10])
def test_the_bits_do_not_depend_on_how_many_batches_a_call_takes(seconds, monkeypatch):
    keras.utils.set_random_seed(0)
    model, x = by_length(), Sequences(40, features=3, longest=12)
    assert len(x.buckets.bucket_lengths) > 1
    pace = module_of("pace")
    monkeypatch.setattr(pace, "SECONDS_PER_CALL", seconds)
    predicted = kn.predict(model, x, 4)
    monkeypatch.setattr(pace, "SECONDS_PER_CALL", 1e-3)
    np.testing.assert_array_equal(predicted, kn.predict(model, x, 4))
    np.testing.assert_allclose(predicted, model(x.take(slice(None)), training=False), atol=1e-5)


def test_outputs_of_sequences_are_padded_with_zeros():
    visits = keras.Input((None, 5), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    inputs = {"visits": visits, "length": length}
    model = keras.Model(inputs, {"all": visits + 1, "length": length + 0})
    x = Sequences(30, longest=12)
    assert len(x.buckets.bucket_lengths) > 1
    predicted = kn.predict(model, x, 4)
    longest = int(x.lengths.max())
    assert predicted["all"].shape == (30, longest, 5)
    np.testing.assert_array_equal(predicted["length"], x.lengths)
    expected = x.take(slice(None))["visits"] + 1
    for row, length in enumerate(x.lengths):
        np.testing.assert_array_equal(predicted["all"][row, :length], expected[row, :length])
        padded = x.buckets.bucket_lengths[x.buckets.bucket_of[row]]
        assert not predicted["all"][row, padded:].any()


def test_one_call_runs_several_batches(monkeypatch):
    predict = module_of("predict")
    monkeypatch.setattr(module_of("pace"), "SECONDS_PER_CALL", 10)
    model, calls = doubling(), []
    kn.predict(model, np.ones((1, 3), "float32"), 4)  # compiles
    real = predict._Predictor.__call__

    def record(self, source, batch_size):
        run = self.run
        self.run = lambda inputs, size: calls.append(len(inputs)) or run(inputs, size)
        try:
            return real(self, source, batch_size)
        finally:
            self.run = run

    monkeypatch.setattr(predict._Predictor, "__call__", record)
    kn.predict(model, np.ones((700, 3), "float32"), 8)
    assert calls == [8, 64, 512, 116]
    calls.clear()
    monkeypatch.setattr(predict, "_MAX_BYTES", 4 * 8 * 3 * 10)  # ten batches
    kn.predict(model, np.ones((200, 3), "float32"), 8)
    assert calls == [80, 80, 40]


def test_batch_statistics_are_not_touched_and_dropout_is_off():
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(), layers.Dropout(0.9)])
    before = [weight.copy() for weight in model.get_weights()]
    np.testing.assert_allclose(kn.predict(model, X, 4), X / np.sqrt(1 + 1e-3), rtol=1e-6)
    assert_same(model.get_weights(), before)


@keras.saving.register_keras_serializable("tests")
class Counted(layers.Layer):
    """Counts how often it is traced."""

    calls = 0

    def call(self, x):
        Counted.calls += 1
        return x


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3,)), Counted(), layers.Dense(4), layers.Dense(2)])


def traces(model, x=X, batch_size=4):
    before = Counted.calls
    predicted = kn.predict(model, x, batch_size)
    return Counted.calls - before, predicted


def test_one_function_is_used_for_all_sizes_and_weights(model):
    assert traces(model)[0] == 1
    for rows, size in itertools.product((3, 50), (2, 16)):
        assert traces(model, np.ones((rows, 3), "float32"), size)[0] == 0
    model.set_weights([0 * weight for weight in model.get_weights()])
    count, predicted = traces(model)
    assert count == 0
    assert not predicted.any()
    assert traces(model, X.astype("int32"))[0] == 1


def other_activation(model):
    model.layers[1].activation = keras.activations.relu


def quantized(model):
    for layer in model.layers[1:]:
        layer.quantize("int8")


def other_bias(model):
    model.layers[2].use_bias = False


def recompiled(model):
    model.compile("sgd", "mse")


@pytest.mark.parametrize("change", [other_activation, quantized, other_bias, recompiled])
def test_a_changed_model_is_traced_again(model, change):
    before = traces(model)[1]
    change(model)
    count, predicted = traces(model)
    assert count == 1
    np.testing.assert_allclose(predicted, model(X, training=False), atol=1e-6)
    assert np.array_equal(predicted, before) == (change in (recompiled, other_bias))
    assert traces(model)[0] == 0


def test_a_replaced_layer_of_a_subclassed_model_is_noticed():
    model = TwoLayers()
    before = kn.predict(model, X)
    model._tracker.unlock()  # a built model takes no new layer
    model.hidden = layers.Dense(8, "relu")
    model.hidden.build((None, 3))
    predicted = kn.predict(model, X)
    assert not np.array_equal(predicted, before)
    np.testing.assert_allclose(predicted, model(X), atol=1e-6)


def test_sequences_of_another_object_use_the_same_function():
    keras.utils.set_random_seed(0)
    model, calls = by_length(), []
    compile_ = module_of("predict")._compile
    module = module_of("predict")
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "_compile", lambda *args: calls.append(1) or compile_(*args))
    try:
        for seed in range(2):
            x = Sequences(12, features=3, seed=seed)
            expected = model(x.take(slice(None)), training=False)
            np.testing.assert_allclose(kn.predict(model, x), expected, atol=1e-5)
    finally:
        patch.undo()
    assert len(calls) == 1


class Shifted(TwoLayers):
    def predict_step(self, data):
        x, *_ = keras.utils.unpack_x_y_sample_weight(data)
        return {"shifted": self(x, training=False) + 100}


def test_a_predict_step_of_the_model_is_used():
    model = Shifted()
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(kn.predict(model, X, 4, strict=True)["shifted"], expected["shifted"])


class OwnPredict(TwoLayers):
    def predict(self, x, **options):
        return super().predict(x, **options) + 100


class Total(keras.Model):
    def call(self, x, training=False):
        return tf.reduce_sum(x)


def eager():
    model = TwoLayers()
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.mark.parametrize(
    ("make", "x", "reason"),
    [
        (OwnPredict, X, "OwnPredict overrides predict"),
        (eager, X, "runs eagerly"),
        (TwoLayers, tf.data.Dataset.from_tensors(X), "not arrays"),
        (Total, X[:1], "an output must be a tensor with one row per row"),
    ],
)
def test_keras_predicts_if_the_engine_cannot(make, x, reason):
    model = make()
    with pytest.raises(CannotCompileError, match=reason):
        kn.predict(model, x, strict=True)
    with pytest.warns(FallbackWarning, match=f"Keras's own predict is used, because .*{reason}"):
        predicted = kn.predict(model, x)
    assert_same(predicted, model.predict(x, verbose=0))


@pytest.mark.parametrize("batch_size", [np.int64(2), 2**40])
def test_any_integer_is_a_batch_size(batch_size):
    assert (kn.predict(doubling(), np.ones((5, 3), "float32"), batch_size) == 2).all()


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_at_least_one_row(batch_size):
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        kn.predict(doubling(), np.ones((2, 3), "float32"), batch_size)


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="x has no rows"):
        kn.predict(doubling(), X[:0])


def test_it_stops_at_an_error_inside_the_model():
    inputs = keras.Input((3,))
    checked = layers.Lambda(lambda x: tf.debugging.check_numerics(x, "not a number"))
    model = keras.Model(inputs, checked(inputs))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a number"):
        kn.predict(model, np.full((5, 3), np.nan, "float32"), 2)
