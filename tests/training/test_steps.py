"""The engine gives what Keras's own ``fit`` gives on the same batches, whatever a call takes."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.data import Split
from kerasnets.engine import pace as _pace
from kerasnets.engine.loop import TrainingDivergedError
from kerasnets.engine.schedule import row_matrices
from kerasnets.engine.stream import batches, numbers, streamed_batches
from kerasnets.training.recipe import check_recipe
from kerasnets.training.steps import compile_model, run_epochs, steps_per_epoch

FEATURES, CLASSES = 12, 3


def recipe(**settings):
    return check_recipe({"net": "small", "data": "small", "batch_size": 16, **settings})


def split(rows, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES)).astype("float32")
    y = (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0.5)
    return Split(x, y.astype("int32"))


def small_model(kind="dense"):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((FEATURES,))
    if kind == "dense":
        hidden = keras.layers.Dense(8, "tanh")(inputs)
    elif kind == "batch-norm":
        hidden = keras.layers.BatchNormalization()(keras.layers.Dense(8, "relu")(inputs))
    else:
        sequence = keras.layers.Reshape((FEATURES, 1))(inputs)
        layer = keras.layers.GRU(4) if kind == "gru" else keras.layers.Conv1D(4, 3)
        hidden = keras.layers.Flatten()(layer(sequence))
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(hidden), name="small")


def run(model, train, settings, first_epoch=0, callbacks=(), progress=lambda steps: None):
    compile_model(model, settings, train)
    run_epochs(model, train, split(40, 1), settings, first_epoch, callbacks, progress)
    return model.history.history


def plain_fit(model, train, settings, **arguments):
    """Keras's own fit on the batches the engine takes."""
    compile_model(model, settings, train)
    per_step = row_matrices(
        len(train),
        settings.batch_size,
        seed=settings.seed,
        epochs=range(settings.epochs),
        whole_epochs=False,
    )
    each = [(train.x[rows[0]], train.y[rows[0]]) for rows, _ in per_step]
    spec = tf.TensorSpec((None, FEATURES)), tf.TensorSpec((None,), tf.int32)
    history = model.fit(
        tf.data.Dataset.from_generator(lambda: iter(each), output_signature=spec),
        epochs=settings.epochs,
        steps_per_epoch=per_step.per_epoch,
        shuffle=False,
        verbose=0,
        **arguments,
    )
    return history.history


@pytest.mark.parametrize("kind", ["dense", "batch-norm", "gru", "conv"])
def test_the_loss_curve_is_that_of_plain_fit(kind):
    train, settings = split(150), recipe(epochs=3, schedule="cosine", learning_rate=0.01)
    ours, plain = small_model(kind), small_model(kind)
    history, expected = run(ours, train, settings), plain_fit(plain, train, settings)
    for key in ("loss", "accuracy"):
        np.testing.assert_allclose(history[key], expected[key], atol=1e-5, rtol=0)
    for a, b in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_class_weights_are_those_of_keras():
    train, settings = split(150), recipe(epochs=2, class_weights="balanced")
    counts = np.bincount(train.y)
    assert len(set(counts)) == 3
    weights = {k: len(train) / (3 * n) for k, n in enumerate(counts)}
    history = run(small_model(), train, settings)
    expected = plain_fit(small_model(), train, settings, class_weight=weights)
    np.testing.assert_allclose(history["loss"], expected["loss"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["dense", "gru"])
def test_the_bits_do_not_depend_on_how_many_steps_a_call_takes(kind, monkeypatch):
    train, settings = split(150), recipe(epochs=2)
    results = []
    for seconds in (0, 1e-4, 10):
        monkeypatch.setattr(_pace, "SECONDS_A_CALL", seconds)
        model = small_model(kind)
        run(model, train, settings)
        results.append(model.get_weights())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 150])
def test_every_row_is_taken_once_an_epoch(rows):
    settings = recipe(epochs=2)
    model, told = small_model(), []
    run(model, split(rows), settings, progress=told.append)
    assert int(model.optimizer.iterations) == sum(told) == 2 * math.ceil(rows / 16)


@pytest.mark.parametrize("rows", [150, 30])
@pytest.mark.parametrize("kind", ["dense", "gru", "conv"])
def test_the_first_step_that_is_not_finite_is_named(kind, rows):
    train, settings = split(rows), recipe(epochs=3)
    train.x[7] = np.nan
    order = np.concatenate(
        [np.ravel(m) for m, _ in row_matrices(rows, 16, seed=0, epochs=range(1))]
    )
    step = 1 + int(np.flatnonzero(order == 7)[0]) // 16
    with pytest.raises(TrainingDivergedError, match=rf"loss is nan at step {step} of epoch 1\."):
        run(small_model(kind), train, settings)


def test_a_later_epoch_is_named_too():
    train, settings = split(64), recipe(epochs=5)

    class Poison(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                self.model.layers[1].bias.assign([np.inf] * 8)

    with pytest.raises(TrainingDivergedError, match=r"at step \d of epoch 4\."):
        run(small_model("batch-norm"), train, settings, callbacks=[Poison()])


def test_a_callback_for_batches_sees_every_step():
    train, settings, seen = split(150), recipe(epochs=2), []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    watched, alone = small_model(), small_model()
    run(watched, train, settings, callbacks=[spy])
    assert seen == 2 * list(range(steps_per_epoch(settings, train)))
    run(alone, train, settings)
    for a, b in zip(watched.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_callback_can_stop_the_training():
    settings = recipe(epochs=9)
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 1)
    )
    history = run(small_model(), split(40), settings, callbacks=[stop])
    assert len(history["loss"]) == 2


def test_no_data_set_is_tuned_while_it_runs():
    """The tuning thread sleeps for seconds, and the end of an epoch would wait for it."""
    arrays, visits = split(40), kn.load_data("mortality-simulated", patients=40).train
    once = {"seed": 0, "epochs": range(1)}
    datasets = [
        numbers(3),
        batches(arrays, 16),
        batches(visits, 16),
        streamed_batches(arrays, 16, **once),
        streamed_batches(visits, 16, **once),
    ]
    assert [dataset.options().autotune.enabled for dataset in datasets] == [False] * 5
