"""How steps are run: the seam between the trainer and Keras's ``fit``.

Arrays in memory go through the engine, many steps a call; sequences of visits are streamed by
tf.data, in buckets of like length. XLA compiles where that pays: it fuses small operations, as in
dense nets and in the loop of a recurrent layer, while TensorFlow's own convolutions on a CPU are
faster than XLA's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data.buckets import make_buckets
from kerasnets.data.dataset import Split
from kerasnets.data.pipeline import batches, row_matrices, shuffled_sequences
from kerasnets.data.visits import VisitSequences
from kerasnets.training import run as run_folder
from kerasnets.training.engine import Engine, Stream, compiled_steps
from kerasnets.training.recipe import Recipe

_EVALUATION_BATCH = 256


def compile_model(model: keras.Model, recipe: Recipe, train: Split) -> None:
    """Give the model its loss, optimizer and metrics.

    Args:
        model: gives logits.
        recipe: names optimizer and schedule.
        train: the training split, from which the schedule knows its end.
    """
    model.compile(
        optimizer=_optimizer(recipe, recipe.epochs * steps_per_epoch(recipe, train)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", *_log_loss(model)],
        jit_compile=_is_recurrent(model) and not _has_free_axes(model),
    )
    # Now, so that a checkpoint made before the first step can be loaded again.
    model.optimizer.build(model.trainable_variables)


def run_epochs(
    model: keras.Model,
    train: Split,
    validation: Split,
    recipe: Recipe,
    first_epoch: int,
    callbacks: Sequence[Any],
    progress: Callable[[int], object],
) -> None:
    """Train from ``first_epoch``, counted from 0, to the recipe's last.

    Args:
        model: compiled by :func:`compile_model`.
        train: the training split.
        validation: the validation split, measured after each epoch.
        recipe: how to train.
        first_epoch: 0, or where a resumed run goes on.
        callbacks: Keras callbacks. Where one has a method for batches, every step is a call.
        progress: called with the number of steps that have just been run.

    Raises:
        TrainingDivergedError: if a loss is not finite; the message names the step.
    """
    weights = _class_weights(train.y) if recipe.class_weights == "balanced" else None
    epochs, per_epoch = range(first_epoch, recipe.epochs), steps_per_epoch(recipe, train)
    if isinstance(train.x, VisitSequences):
        model.train_function = Stream(model, per_epoch, progress)
        given = shuffled_sequences(
            train, recipe.batch_size, seed=recipe.seed, epochs=epochs, weights=weights
        )
        calls = per_epoch
    else:
        run = compiled_steps(model, train.x, train.y, weights, xla=_xla_pays(model))
        model.train_function = Engine(model, run, per_epoch, progress)
        given, calls = row_matrices(
            len(train),
            recipe.batch_size,
            seed=recipe.seed,
            epochs=epochs,
            whole_epochs=not any(_wants_batches(callback) for callback in callbacks),
        )
    model.fit(
        given,
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        steps_per_epoch=calls,
        validation_data=batches(validation, _EVALUATION_BATCH),
        callbacks=list(callbacks),
        shuffle=False,
        verbose=0,
    )


def steps_per_epoch(recipe: Recipe, train: Split) -> int:
    """Steps an epoch takes; the last one may be smaller, of sequences the last of each bucket."""
    if isinstance(train.x, VisitSequences):
        return make_buckets(train.x.lengths).steps(recipe.batch_size)
    return math.ceil(len(train) / recipe.batch_size)


def padding_note(train: Split) -> str:
    """How much of what is computed is padding, where anything is; else nothing."""
    if not isinstance(train.x, VisitSequences):
        return ""
    buckets = make_buckets(train.x.lengths)
    return (
        f"{buckets.padding:.1%} of the steps computed are padding, in buckets padded to "
        f"{', '.join(map(str, buckets.times))}"
    )


def _is_recurrent(model: keras.Model) -> bool:
    return any(
        isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        for layer in model._flatten_layers()
    )


def _has_free_axes(model: keras.Model) -> bool:
    """Whether shapes differ from batch to batch: XLA would compile each of them, for seconds."""
    return any(None in given.shape[1:] for given in model.inputs)


def _xla_pays(model: keras.Model) -> bool:
    return _is_recurrent(model) or not any(
        "Conv" in type(layer).__name__ for layer in model._flatten_layers()
    )


def _wants_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback has a method of its own for the begin or end of a training batch."""
    names = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
    plain = keras.callbacks.Callback
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(plain, name)
        for name in names
    )


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    elif recipe.schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(rate, steps, 0.01)
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": {"learning_rate": rate}})


def _log_loss(model: keras.Model) -> list[keras.metrics.Metric]:
    """What the loss would be without penalties, where a net has any.

    A penalty falls from epoch to epoch whatever the net has learnt, so it may not decide which
    epoch is the best one.
    """
    if not model.losses:
        return []
    return [keras.metrics.SparseCategoricalCrossentropy(run_folder.LOG_LOSS, from_logits=True)]


def _class_weights(y: np.ndarray) -> np.ndarray:
    """A weight for each row that gives every class the same share of the loss; 1 on average."""
    labels, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
    return (len(y) / (len(labels) * counts))[inverse].astype("float32")
