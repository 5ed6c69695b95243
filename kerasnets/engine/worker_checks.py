"""Refuse models that several workers cannot train as one process does."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets.engine.workers import find_workers

_HINT = "Train it in one process, without workers."


def refuse_workers() -> None:
    """Refuse ``fit`` in one of several processes, each of which would silently train alone.

    Raises:
        ValueError: if ``TF_CONFIG`` names several workers, or a strategy of several workers is in
            scope.
    """
    strategy = tf.distribute.MultiWorkerMirroredStrategy
    if find_workers() is not None or isinstance(tf.distribute.get_strategy(), strategy):
        raise ValueError(
            "kerasnets.fit trains in one process, but TF_CONFIG or a strategy names several "
            "workers. Use kerasnets.train, which trains one model on all of them, or remove "
            "TF_CONFIG from the environment to train alone."
        )


def check_workers_can_train(model: keras.Model) -> None:
    """Check that sums over workers give the gradients and the metrics of one process.

    Args:
        model: compiled and built.

    Raises:
        ValueError: if they do not; the message says why.
    """
    for method in ("train_step", "test_step", "compute_loss", "compute_metrics"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            raise ValueError(
                f"{type(model).__name__} overrides {method}, so the workers cannot know how its "
                f"gradients add up. {_HINT}"
            )
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        raise ValueError(
            "The optimizer scales the loss, as mixed_float16 needs, and each worker would choose "
            f"another scale. Use float32 or mixed_bfloat16. {_HINT}"
        )
    for loss in keras.tree.flatten(model.loss):
        reduction = getattr(loss, "reduction", "sum_over_batch_size")
        if isinstance(loss, keras.losses.Loss) and reduction != "sum_over_batch_size":
            raise ValueError(
                f"The loss {loss.name} has reduction={reduction!r}; several workers need "
                f"'sum_over_batch_size', the mean over the rows. {_HINT}"
            )
    _check_state(model)


def _check_state(model: keras.Model) -> None:
    for layer in model._flatten_layers(include_self=False):
        if getattr(layer, "synchronized", False):
            raise ValueError(
                f"{layer.name} is a synchronized batch normalization. Workers normalize their own "
                "rows, and average the moving statistics after each epoch: use "
                f"synchronized=False. {_HINT}"
            )
        if layer.activity_regularizer is not None and sums_penalties_of_activities():
            raise ValueError(
                f"{layer.name} has an activity regularizer. Before Keras 3.14, its penalty is the "
                "sum over the rows, which depends on the rows of a worker. Use a newer Keras. "
                f"{_HINT}"
            )
    for metric in model.metrics:
        for variable in metric.variables:
            if _aggregation(variable) not in ("sum", "none", ""):
                raise ValueError(
                    f"The state {variable.name!r} of a metric cannot be summed over workers. "
                    f"{_HINT}"
                )


def sums_penalties_of_activities() -> bool:
    """Whether an activity regularizer sums over the rows, as before Keras 3.14, or averages."""
    layer = keras.layers.ActivityRegularization(l2=1.0)
    layer(keras.ops.ones((2, 1)))
    return float(layer.losses[0]) > 1.0


def _aggregation(variable: Any) -> str:
    return str(getattr(variable, "aggregation", ""))
