"""How steps are run: the seam behind which the trainer's engine stands.

Now it is Keras's own ``fit`` over tf.data, compiled by XLA where that pays: a recurrent layer is
a loop of small operations that XLA fuses, while TensorFlow's own convolutions on a CPU are
faster than XLA's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data.dataset import Split
from kerasnets.data.pipeline import batches, training_batches
from kerasnets.training.recipe import Recipe

_EVALUATION_BATCH = 256


def compile_model(model: keras.Model, recipe: Recipe, examples: int) -> None:
    """Give the model its loss, optimizer and metrics.

    Args:
        model: gives logits.
        recipe: names optimizer and schedule.
        examples: rows of the training split, from which the schedule knows its end.
    """
    model.compile(
        optimizer=_optimizer(recipe, recipe.epochs * steps_per_epoch(recipe, examples)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=_is_recurrent(model),
    )


def run_epochs(
    model: keras.Model,
    train: Split,
    validation: Split,
    recipe: Recipe,
    first_epoch: int,
    callbacks: Sequence[Any],
) -> None:
    """Train from ``first_epoch``, counted from 0, to the recipe's last."""
    epochs = range(first_epoch, recipe.epochs)
    model.fit(
        training_batches(train, recipe.batch_size, seed=recipe.seed, epochs=epochs),
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        steps_per_epoch=steps_per_epoch(recipe, len(train)),
        validation_data=batches(validation, _EVALUATION_BATCH),
        class_weight=_class_weight(train.y) if recipe.class_weights == "balanced" else None,
        callbacks=list(callbacks),
        shuffle=False,
        verbose=0,
    )


def steps_per_epoch(recipe: Recipe, examples: int) -> int:
    """Steps an epoch takes; the last one may be smaller."""
    return math.ceil(examples / recipe.batch_size)


def _is_recurrent(model: keras.Model) -> bool:
    return any(
        isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        for layer in model._flatten_layers()
    )


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    elif recipe.schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(rate, steps, 0.01)
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": {"learning_rate": rate}})


def _class_weight(y: np.ndarray) -> Mapping[int, float]:
    """Weights that give every class the same share of the loss, 1 on average over the rows."""
    labels, counts = np.unique(y, return_counts=True)
    weights = len(y) / (len(labels) * counts)
    return {int(label): float(weight) for label, weight in zip(labels, weights, strict=True)}
