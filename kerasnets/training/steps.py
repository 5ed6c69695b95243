"""How steps are run: the seam between the trainer and Keras's ``fit``.

Data that fit in memory go through the engine, many steps a call; sequences of visits in buckets
of like length. What does not fit is streamed by tf.data, in the same batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data.dataset import Split
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.engine.autotune import Cost, choose, costs_file, measure, read_costs, write_costs
from kerasnets.engine.buckets import make_buckets
from kerasnets.engine.loop import Engine, Loop, LossCheck, Stream, XlaCannotError, build_metrics
from kerasnets.engine.schedule import Shuffled, ordered_rows, row_matrices, sequence_matrices
from kerasnets.engine.sources import batches_on_device
from kerasnets.engine.stream import (
    batches,
    fits_in_memory,
    numbers,
    padded_times,
    streamed_batches,
)
from kerasnets.training import run_folder
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
        jit_compile=False,
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
    loop: Loop | None = None,
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
        loop: what :func:`make_loop` gave; made here by default.

    Raises:
        TrainingDivergedError: if a loss is not finite; the message names the step.
    """
    loop = loop or make_loop(model, train, recipe)
    epochs = range(first_epoch, recipe.epochs)
    check = LossCheck(model, steps_per_epoch(recipe, train))
    if loop is None:
        model.train_function = Stream(model, progress, check)
        given = streamed_batches(
            train,
            recipe.batch_size,
            seed=recipe.seed,
            epochs=epochs,
            weights=_weights(train, recipe),
        )
        calls = steps_per_epoch(recipe, train)
    else:
        whole = not any(_wants_batches(callback, "train") for callback in callbacks)
        pieces = epoch_pieces(train, recipe, epochs, whole)
        model.train_function = Engine(loop, pieces, progress, check)
        given, calls = numbers(len(pieces)), pieces.per_epoch
    model.fit(
        given,
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        steps_per_epoch=calls,
        validation_data=_validation(model, validation, loop, callbacks),
        callbacks=list(callbacks),
        shuffle=False,
        verbose=0,
    )


def make_loop(
    model: keras.Model, train: Split, recipe: Recipe, xla: bool | None = None
) -> Loop | None:
    """The compiled steps of a training; None where the data do not fit in memory.

    Args:
        model: compiled by :func:`compile_model`; it stays as it is.
        train: the training split.
        recipe: its ``xla`` says whether to compile with XLA, or to measure which is better.
        xla: what was chosen when the training began, where it goes on.
    """
    if not fits_in_memory(train):
        return None
    weights = _weights(train, recipe)
    build_metrics(model, train.y)
    batch_of = batches_on_device(train.x, [train.y] if weights is None else [train.y, weights])
    size, times = recipe.batch_size, padded_times(train.x)

    def loop(xla: bool) -> Loop:
        return Loop(
            model,
            model.train_step,
            batch_of,
            batch_size=size,
            times=times,
            xla=xla,
            fuse=recipe.xla != "off",
        )

    if xla is None and recipe.xla != "auto":
        xla = recipe.xla == "on"
    return _chosen(model, train, recipe, loop) if xla is None else loop(xla)


def _chosen(model: keras.Model, train: Split, recipe: Recipe, loop: Callable[[bool], Loop]) -> Loop:
    """The loop that ends the training first, by costs measured now or before."""
    loops = {xla: loop(xla) for xla in (False, True)}
    rows, buckets = epoch_pieces(train, recipe, range(1))[0]

    def cost(xla: bool) -> Cost:
        full = np.flatnonzero(loops[xla].is_full(rows))
        some = full if len(full) else np.arange(len(rows))

        def run(steps: int) -> None:
            float(loops[xla](rows[some], buckets[some], 0, steps)["loss"])

        return measure(model, run, len(some))

    def cost_of_xla() -> Cost | None:
        try:
            return cost(True)
        except XlaCannotError:
            return None

    path = costs_file(model, recipe.batch_size, rows.shape, padded_times(train.x))
    costs = read_costs(path)
    if False not in costs:
        costs[False] = cost(False)
    steps = recipe.epochs * steps_per_epoch(recipe, train)
    chosen = choose(costs, cost_of_xla, steps, len(loops[True].times))
    write_costs(path, costs)
    return loops[chosen]


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


def epoch_pieces(
    train: Split, recipe: Recipe, epochs: range, whole_epochs: bool = True
) -> Shuffled:
    """Rows and buckets of each step of some epochs."""
    size, seed = recipe.batch_size, recipe.seed
    if isinstance(train.x, VisitSequences):
        buckets = make_buckets(train.x.lengths)
        return sequence_matrices(buckets, size, seed=seed, epochs=epochs, whole_epochs=whole_epochs)
    return row_matrices(len(train), size, seed=seed, epochs=epochs, whole_epochs=whole_epochs)


def _validation(
    model: keras.Model, split: Split, loop: Loop | None, callbacks: Sequence[Any]
) -> Any:
    """What ``fit`` measures after each epoch: in the engine, but for callbacks for batches."""
    watched = any(_wants_batches(callback, "test") for callback in callbacks)
    if loop is None or watched or not fits_in_memory(split):
        return batches(split, _EVALUATION_BATCH)
    pieces = ordered_rows(split.x, len(split), _EVALUATION_BATCH)
    model.test_function = Engine(
        Loop(
            model,
            model.test_step,
            batches_on_device(split.x, [split.y]),
            batch_size=_EVALUATION_BATCH,
            times=padded_times(split.x),
            xla=loop.xla,
        ),
        pieces,
    )
    return numbers(len(pieces))


def _weights(train: Split, recipe: Recipe) -> np.ndarray | None:
    return _class_weights(train.y) if recipe.class_weights == "balanced" else None


def _wants_batches(callback: keras.callbacks.Callback, what: str) -> bool:
    """Whether a callback has a method of its own for the begin or end of a batch.

    Args:
        callback: any.
        what: ``"train"`` or ``"test"``.
    """
    names = [f"on_{what}_batch_begin", f"on_{what}_batch_end"]
    names += ["on_batch_begin", "on_batch_end"] if what == "train" else []
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
