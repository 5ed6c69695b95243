"""Rescaling layers fitted on the training split, so that models take and return raw values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.evaluation.tasks import Task
from kerasnets.training.recipe import Recipe


def with_rescaling(net: keras.Model, data: Dataset, recipe: Recipe, task: Task) -> keras.Model:
    """Return a net that takes raw values and, for a regression, returns values in raw units.

    A first layer standardizes the inputs. A last layer scales the outputs of a regression to mean
    and variance of the targets. A net that is already compiled gets no last layer, because its loss
    is meant for its own outputs. The result has the class of the net, so a custom ``train_step``
    and the ``compile`` settings are preserved.

    Raises:
        ValueError: if custom methods would be lost, because the ``__init__`` of the net does not
            take inputs and outputs.
    """
    if recipe.rescaling == "none":
        return net
    x = data.train.x
    scale_outputs = task.name == "regression" and not net.compiled
    if not (isinstance(x, np.ndarray) or scale_outputs):
        return net
    if isinstance(x, np.ndarray):
        first = net.inputs[0]
        inputs = keras.Input(first.shape[1:], name=first.name, dtype=first.dtype)
        # `call` instead of calling the net: its layers stay in one flat graph, which reads better
        # in a summary, a profile and an exported file than a model within a model.
        values = x.ravel() if recipe.rescaling == "shared" else x
        outputs = net.call(_normalization(values, "standardize")(inputs))
    else:
        inputs, outputs = net.input, net.output
    if scale_outputs:
        y = data.train.y.reshape(len(data.train), -1)
        outputs = _normalization(y, "prediction", invert=True)(outputs)
    _name_operations(net, inputs, outputs)
    cls = _class_for(net)
    if issubclass(cls, keras.Sequential):
        model = cls([inputs, *keras.Model(inputs, outputs).layers[1:]], name=net.name)
    else:
        model = cls(inputs, outputs, name=net.name)
    if net.compiled:
        model.compile_from_config(net.get_compile_config())
        model.optimizer.build(model.trainable_variables)
        for new, old in zip(model.optimizer.variables, net.optimizer.variables, strict=False):
            new.assign(old)  # momentum and so on, if the model was trained before
    return model


def _name_operations(net: keras.Model, inputs: Any, outputs: Any) -> None:
    """Name the conversions that Keras has added around the net.

    Keras numbers them over the whole process, but the same seed must write the same bytes.
    """
    known = getattr(net, "operations", net.layers)
    taken = {operation.name for operation in known}
    for operation in keras.Model(inputs, outputs).operations:
        if isinstance(operation, keras.layers.Layer) or operation in known:
            continue
        names = (f"convert_to_tensor_{number}" if number else "convert_to_tensor"
                 for number in itertools.count())  # fmt: skip
        operation.name = next(name for name in names if name not in taken)
        taken.add(operation.name)


def target_variance(data: Dataset) -> np.ndarray:
    """Return the variance of each target on the training split; 1 for a constant target."""
    return _moments(data.train.y.reshape(len(data.train), -1))[1]


def _normalization(values: np.ndarray, name: str, **arguments: Any) -> keras.layers.Layer:
    mean, variance = _moments(values)
    axis = None if values.ndim == 1 else tuple(range(1, values.ndim))
    return keras.layers.Normalization(
        axis=axis, mean=mean, variance=variance, name=name, **arguments
    )


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = values.astype(np.float64)
    # The variance of a constant column is 0 or a rounding error. After division by it, a tiny
    # change would be huge.
    variance = np.where(np.ptp(values, axis=0) > 0, values.var(axis=0), 1.0)
    return values.mean(axis=0), variance


def _class_for(net: keras.Model) -> type[keras.Model]:
    """The class of the rescaled model, with the custom methods of the net."""
    cls = type(net)
    if cls.__module__.partition(".")[0] == "keras":
        return keras.Model
    if cls.__init__.__module__.partition(".")[0] == "keras":
        return cls
    methods = ("train_step", "test_step", "compute_loss", "compute_metrics")
    if any(getattr(cls, name) is not getattr(keras.Model, name) for name in methods):
        raise ValueError(
            f"rescaling='standard' would lose the methods of {cls.__name__}, whose __init__ does "
            "not take inputs and outputs. Put a Normalization layer into the model and train it "
            "with rescaling='none'."
        )
    return keras.Model
