"""``kerasnets.fit`` trains like ``model.fit``, shown with thirty models and every argument."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.engine import CannotCompileError, stream
from tests.engine.helpers import (
    Sequences,
    assert_same_fit,
    assert_same_history,
    assert_same_weights,
    fit,
    keras_fit,
    module_of,
    reference,
)
from tests.engine.models import CASES, arguments, build, by_length, compiled, dense_net

DENSE = CASES["dense"]
ALSO_WITH_XLA = [
    "l2-momentum-schedule", "batch-norm-adamw-ema", "list-outputs-weighted", "own-compute-metrics",
    "plain-numbers", "multilabel-auc-accumulated", "masking-gru", "mixed-float16",
]  # fmt: skip
KINDS = {
    "regression", "one sigmoid", "multi-label", "multi-input", "multi-output", "autoencoder",
    "custom train_step", "masked sequences", "transformer", "augmentation CNN",
}  # fmt: skip


def dense() -> keras.Model:
    return build(DENSE)


def options(**more):
    """Data of the dense net, 22 rows in batches of 8, two epochs in order."""
    return arguments(DENSE) | {"epochs": 2, "batch_size": 8, "shuffle": False} | more


def test_there_are_thirty_models_of_ten_kinds():
    assert len(CASES) >= 30
    assert {case.kind for case in CASES.values()} == KINDS


@pytest.mark.parametrize("name", CASES)
def test_three_epochs_equal_those_of_keras(name):
    case = CASES[name]
    args = arguments(case) | {"epochs": 3, "batch_size": 8, "shuffle": False}
    policy = keras.config.dtype_policy()
    if case.random:
        history = fit(build(case), **args)
        assert {len(values) for values in history.values()} == {3}
        assert np.isfinite(list(history.values())).all()
        return
    expected = build(case)
    history = keras_fit(expected, **args)
    for xla in ("auto", "on") if name in ALSO_WITH_XLA else ("auto",):
        ours = build(case)
        assert_same_history(fit(ours, xla=xla, **args), history)
        assert_same_weights(ours, expected, case.tolerance)
        assert keras.config.dtype_policy() == policy


ARGUMENTS = {
    "validation-data": {"validation_data": True, "validation_batch_size": 5},
    "validation-weights": {"validation_data": "weights", "validation_freq": 2, "epochs": 4},
    "validation-split": {"validation_split": 0.25, "validation_freq": [1, 3], "epochs": 3},
    "validation-steps": {"validation_data": True, "validation_steps": 2},
    "sample-weight": {"sample_weight": np.linspace(0, 2, 22)},
    "initial-epoch": {"initial_epoch": 2, "epochs": 4},
    "no-epoch": {"initial_epoch": 2, "epochs": 2},
    "fewer-steps": {"steps_per_epoch": 2, "epochs": 3},
    "steps-without-batch-size": {"steps_per_epoch": 4, "batch_size": None},
    "one-batch": {"batch_size": 64},
    "default-batch-size": {"batch_size": None},
    "one-row-per-batch": {"batch_size": 1, "epochs": 1},
}


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_mean_what_they_mean_in_keras(name):
    args = options(**ARGUMENTS[name])
    if validation := args.get("validation_data"):
        data = [args["x"][:9] + 1, args["y"][:9]]
        args["validation_data"] = (*data, np.arange(9.0)) if validation == "weights" else data
    assert_same_fit(dense, expected=reference(dense), **args)


@pytest.mark.parametrize("run", [fit, keras_fit])
def test_steps_after_the_end_of_the_data_are_skipped_with_a_warning(run):
    model = dense()
    with pytest.warns(UserWarning, match="Your input ran out of data") as warned:
        run(model, **options(steps_per_epoch=5))
    assert sum("ran out of data" in str(warning.message) for warning in warned) == 2
    assert int(model.optimizer.iterations) == 2 * 3


@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_shuffling_takes_every_row_once(shuffle):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, trainable=False)])

    class Rows(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="rows")
            self.order = self.add_weight(shape=(22,), initializer="zeros")
            self.count = self.add_weight(shape=(), initializer="zeros", dtype="int32")

        def update_state(self, y_true, y_pred, sample_weight=None):
            places = self.count + tf.range(tf.shape(y_true)[0])
            rows = tf.tensor_scatter_nd_update(
                tf.convert_to_tensor(self.order), places[:, None], tf.reshape(y_true, [-1])
            )
            self.order.assign(rows)
            self.count.assign_add(tf.shape(y_true)[0])

        def result(self):
            return tf.reduce_sum(self.order)

    metric, orders = Rows(), []
    model.compile("sgd", "mse", metrics=[metric])
    x = np.arange(22, dtype="float32")[:, None]
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: orders.append(metric.order.numpy().astype(int))
    )
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        fit(model, x=x, y=x, epochs=2, batch_size=8, shuffle=shuffle, callbacks=[record])
    assert not np.array_equal(*orders)
    for order in orders:
        assert sorted(order) == list(range(22))
        if shuffle == "batch":
            assert [sorted(order[at : at + 8]) for at in (0, 8, 16)] == [
                list(range(at, min(at + 8, 22))) for at in (0, 8, 16)
            ]


def test_the_same_seed_gives_the_same_weights_shuffled():
    weights = []
    for seed in (1, 1, 2):
        model = build(DENSE, seed)
        start = build(DENSE, 0)
        model.set_weights(start.get_weights())
        keras.utils.set_random_seed(seed)
        fit(model, **options(shuffle=True))
        weights.append(model.get_weights())
    np.testing.assert_array_equal(weights[0][0], weights[1][0])
    assert not np.array_equal(weights[0][0], weights[2][0])


def test_weights_created_by_fit_equal_those_of_keras_with_shuffling():
    case = CASES["subclassed-add-loss"]
    args = arguments(case) | {"epochs": 1, "batch_size": 64}  # one batch: the order changes little
    ours, expected = build(case), build(case)
    assert_same_history(fit(ours, **args), keras_fit(expected, **args))


def test_batch_statistics_and_dropout_change_in_training_and_not_in_validation():
    case = CASES["cnn-augmented"]
    model, args = build(case), arguments(case)
    history = fit(model, **args, validation_data=(args["x"], args["y"]), epochs=1)
    results = model.evaluate(args["x"], args["y"], verbose=0, return_dict=True)
    assert history["val_loss"][0] == pytest.approx(results["loss"], abs=1e-5)


def test_a_second_fit_continues_with_the_state_of_the_optimizer():
    ours, expected = dense(), dense()
    for _ in range(2):
        assert_same_history(fit(ours, **options()), keras_fit(expected, **options()))
    assert_same_weights(ours, expected)


def test_kerasnets_and_keras_can_alternate():
    ours, expected = dense(), dense()
    fit(ours, **options())
    ours.fit(**options(verbose=0))
    fit(ours, **options())
    expected.fit(**options(epochs=6, verbose=0))
    assert_same_weights(ours, expected)


def test_sequences_in_buckets_equal_padded_sequences_in_keras():
    x = Sequences(20, features=3, longest=2)  # XLA compiles each bucket
    y = np.random.default_rng(0).integers(0, 2, 20)
    keras.utils.set_random_seed(0)
    expected = by_length()
    start = expected.get_weights()
    for _ in range(2):  # one batch per bucket
        for bucket, length in enumerate(x.buckets.bucket_lengths.tolist()):
            rows = np.flatnonzero(x.buckets.bucket_of == bucket)
            expected.train_on_batch(x.take(rows, length), y[rows])
    assert len(x.buckets.bucket_lengths) == 2
    results = expected.evaluate(x.take(slice(None)), y, verbose=0, return_dict=True)
    for xla in ("on", "off"):
        ours = by_length()
        ours.set_weights(start)
        args = {"epochs": 2, "batch_size": 64, "shuffle": False, "xla": xla}
        history = fit(ours, x=x, y=y, validation_data=(x, y), **args)
        for a, b in zip(ours.trainable_weights, expected.trainable_weights, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-5)
        assert history["val_loss"][-1] == pytest.approx(results["loss"], abs=1e-5)


def test_sequences_larger_than_memory_are_streamed_to_the_same_bits(monkeypatch):
    """Batches and their order are the same, whether codes are in memory or on the disk."""
    x = Sequences(60, features=3, longest=5)
    y = np.random.default_rng(0).integers(0, 2, 60)
    trained = []
    for chunk in (None, 700, 1):  # bytes: all at once, a few steps, one step
        if chunk is not None:
            monkeypatch.setattr(stream, "fits_in_memory", lambda source: False)
            monkeypatch.setattr(stream, "_CHUNK_BYTES", chunk)
        keras.utils.set_random_seed(0)
        model = by_length()
        fit(model, x=x, y=y, validation_data=(x, y), epochs=2, batch_size=8, xla="off")
        trained.append(model.get_weights())
    for weights in trained[1:]:
        for ours, expected in zip(weights, trained[0], strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", ["dense", "dict-outputs"])
def test_data_larger_than_memory_are_streamed_in_the_same_batches(name, monkeypatch):
    case = CASES[name]
    args = arguments(case, 40) | {"epochs": 2, "batch_size": 8, "shuffle": False}
    resident, streamed = build(case), build(case)
    expected = fit(resident, **args)
    monkeypatch.setattr(stream, "fits_in_memory", lambda source: False)
    monkeypatch.setattr(stream, "_CHUNK_BYTES", 700)  # a few steps
    assert_same_history(fit(streamed, **args), expected)
    assert_same_weights(streamed, resident)


def test_a_model_that_xla_cannot_compile_is_trained_and_validated_without_it(monkeypatch):
    def model():
        keras.utils.set_random_seed(0)
        inputs = keras.Input((8,))
        # TensorFlow has no XLA kernel for this on a CPU.

        def call(x):
            return tf.ensure_shape(tf.py_function(lambda v: v, [x], tf.float32), (None, 8))

        outputs = keras.layers.Dense(1)(keras.layers.Lambda(call, output_shape=(8,))(inputs))
        return compiled(keras.Model(inputs, outputs), "sgd")

    args = options()
    validation = {"validation_data": (args["x"], args["y"])}
    with pytest.raises(kn.engine.XlaCannotError, match=r"xla='auto' or xla='off'"):
        fit(model(), xla="on", **args)
    monkeypatch.setattr(module_of("fit"), "choose_xla", lambda *_: True)
    ours = fit(model(), **args, **validation)
    assert_same_history(ours, keras_fit(model(), **args, **validation))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xla": "yes"}, "xla must be 'auto', 'on' or 'off', got 'yes'"),
        ({"model": 3}, "takes a keras.Model, got int"),
        ({"y": np.zeros(3)}, "Data cardinality is ambiguous"),
        ({"sample_weight": np.ones(22), "class_weight": {0: 1}}, "class_weight.*sample_weight"),
        ({"validation_split": 0.99}, "not sufficient to split"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(change, message):
    model = dense()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        kn.fit(**{"model": model, "verbose": 0} | options(**change))
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(ValueError, match="compile"):
        kn.fit(dense_net(), np.zeros((3, 8)), np.zeros(3))


def test_an_error_in_a_step_leaves_no_patches_on_the_model():
    model = dense()
    before = set(vars(model)), [set(vars(layer)) for layer in model.layers]
    with pytest.raises(CannotCompileError, match="cannot be traced"):
        kn.fit(model, np.zeros((4, 3)), np.zeros(4), strict=True, verbose=0)
    assert before == (
        set(vars(model)) - {"_kerasnets_compiled"},
        [set(vars(layer)) for layer in model.layers],
    )
