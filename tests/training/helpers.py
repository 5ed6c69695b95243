"""Small models, data sets and trainings for the tests of this folder."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.data import Dataset, Split
from kerasnets.engine.epochs import run_epochs
from kerasnets.engine.schedule import EpochSchedule
from kerasnets.evaluation.tasks import get_task
from kerasnets.training.callbacks import check_loss
from kerasnets.training.plan import Plan, compile_model
from kerasnets.training.recipe import check_recipe

FEATURES, CLASSES = 12, 3
CLASSIFICATION = get_task("classification")


def recipe(**settings):
    return check_recipe({"net": "small", "data": "small", "batch_size": 16, **settings})


def split(rows, seed=0):
    """Random rows of three classes that a small net can tell apart."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES)).astype("float32")
    y = (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0.5)
    return Split(x, y.astype("int32"))


def dataset(rows=150, **changes):
    """A data set of three classes; ``changes`` replace its fields."""
    data = Dataset(
        name="small",
        train=split(rows),
        validation=split(40, 1),
        test=split(40, 2),
        class_names=("a", "b", "c"),
        split="row",
        seed=0,
        source="random numbers",
        checksum=f"{rows} rows",
    )
    return dataclasses.replace(data, **changes)


def with_labels(task, labels, rows=96, **changes):
    """A data set whose labels are a function of the inputs."""
    data = dataset(rows)
    parts = {
        name: dataclasses.replace(part, y=labels(part.x)) for name, part in data.splits.items()
    }
    return dataclasses.replace(data, task=task, **parts, **changes)


def small_model(kind="dense", outputs=CLASSES):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((FEATURES,))
    if kind == "dense":
        hidden = keras.layers.Dense(8, "tanh")(inputs)
    elif kind == "batch-norm":
        hidden = keras.layers.BatchNormalization()(keras.layers.Dense(8, "relu")(inputs))
    elif kind == "dropout":
        hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(64, "relu")(inputs))
    else:
        sequence = keras.layers.Reshape((FEATURES, 1))(inputs)
        layer = keras.layers.GRU(4) if kind == "gru" else keras.layers.Conv1D(4, 3)
        hidden = keras.layers.Flatten()(layer(sequence))
    return keras.Model(inputs, keras.layers.Dense(outputs)(hidden), name="small")


def run_plan(model, data, settings, callbacks=(), calls=None, xla=None):
    """Train a model with the steps of a recipe, without a run folder; return the history.

    Args:
        model: not compiled.
        data: the data set.
        settings: the recipe.
        callbacks: Keras callbacks.
        calls: a list to which the number of steps of each compiled call is appended.
        xla: as for ``Plan.runner``.
    """
    plan = Plan(settings, data)
    compile_model(model, plan, CLASSIFICATION)

    def after_call(steps, logs):
        check_loss(model, logs, plan.schedule.steps_per_epoch)
        if calls is not None:
            calls.append(steps)

    runner = plan.runner(model, xla, after_call)
    callback_list = keras.callbacks.CallbackList(
        list(callbacks),
        add_history=True,
        model=model,
        verbose=0,
        epochs=settings.epochs,
        steps=runner.steps_per_epoch,
    )
    validation = plan.validation(model, runner.loop.xla)
    run_epochs(
        model, runner, validation, initial_epoch=0, epochs=settings.epochs, callbacks=callback_list
    )
    return model.history.history


def plain_fit(model, data, settings, **arguments):
    """Keras's own fit on the batches that the engine takes; return the history."""
    plan, train = Plan(settings, data), data.train
    compile_model(model, plan, CLASSIFICATION)
    model.run_eagerly = True  # tracing takes longer than a few steps
    schedule = EpochSchedule(len(train), settings.batch_size, shuffle=True, seed=settings.seed)
    batches = [
        (train.x[rows[rows >= 0]], train.y[rows[rows >= 0]])
        for epoch in range(settings.epochs)
        for rows in schedule.epoch(epoch).rows
    ]
    spec = tf.TensorSpec((None, FEATURES)), tf.TensorSpec((None,), tf.int32)
    history = model.fit(
        tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=spec),
        epochs=settings.epochs,
        steps_per_epoch=schedule.steps_per_epoch,
        shuffle=False,
        verbose=0,
        **arguments,
    )
    return history.history


def train(net, data, out, **settings):
    """Train without showing progress."""
    return kn.train(net, data=data, out=out, progress=False, **settings)


def interrupt_at(epoch):
    """Return a callback that raises ``KeyboardInterrupt`` when an epoch, counted from 0, begins."""

    def on_epoch_begin(number, logs):
        if number == epoch:
            raise KeyboardInterrupt

    return keras.callbacks.LambdaCallback(on_epoch_begin=on_epoch_begin)


def train_interrupted(net, data, out, epoch, **settings):
    """Interrupt a training when an epoch begins, so that its folder can be resumed."""
    with pytest.raises(KeyboardInterrupt, match="resume with: kerasnets train --resume"):
        train(net, data, out, callbacks=[interrupt_at(epoch)], **settings)


def weights_of(folder, name="model.keras"):
    return keras.saving.load_model(folder / name).get_weights()


def assert_same_bits(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
