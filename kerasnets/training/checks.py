"""Before the first step: does the net fit the data, and what stands in front of it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data import Dataset, VisitSequences
from kerasnets.data.dataset import Arrays
from kerasnets.nets import load_model
from kerasnets.training.recipe import Recipe


def check_data(data: Dataset) -> None:
    """Refuse empty splits, inputs that are not finite numbers, and labels without a class."""
    names = data.class_names
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"{data.name} needs two or more different class names, got {names}.")
    for name, split in data.splits.items():
        if len(split) == 0:
            raise ValueError(f"The {name} split of {data.name} is empty.")
        arrays = _arrays(split.x)
        if not all(array.dtype.kind in "fiub" for array in arrays):
            types = sorted({str(array.dtype) for array in arrays})
            raise ValueError(f"The {name} split of {data.name} holds {types}, not numbers.")
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(f"The {name} split of {data.name} holds NaN or infinite inputs.")
        if split.y.ndim != 1 or split.y.dtype.kind not in "iu":
            raise ValueError(
                f"The labels of the {name} split of {data.name} are {split.y.dtype} of shape "
                f"{split.y.shape}; give the class of each example as an integer, shape (n,)."
            )
        if any(len(array) != len(split) for array in arrays):
            raise ValueError(
                f"The {name} split of {data.name} has {len(split)} labels for "
                f"{[len(array) for array in arrays]} inputs."
            )
        if split.y.min() < 0 or split.y.max() >= len(data.class_names):
            raise ValueError(
                f"The {name} split of {data.name} has labels from {split.y.min()} to "
                f"{split.y.max()}; its {len(data.class_names)} classes are numbered from 0."
            )
    shapes = {name: _shapes(split.x) for name, split in data.splits.items()}
    if len(set(map(str, shapes.values()))) > 1:
        raise ValueError(f"The inputs of {data.name} differ in shape between its splits: {shapes}.")


def check_fit(model: keras.Model, data: Dataset) -> None:
    """Refuse a net whose inputs or outputs do not fit the data, or whose outputs are no logits."""
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"{model.name} has no inputs yet: make it with the functional API, or give a "
            "Sequential model an Input."
        )
    if isinstance(data.train.x, VisitSequences):
        _check_visits(model, data.train.x)
    elif isinstance(data.train.x, np.ndarray):
        wanted, given = model.input_shape[1:], data.train.x.shape[1:]
        if len(wanted) != len(given) or any(
            w not in (None, g) for w, g in zip(wanted, given, strict=True)
        ):
            raise ValueError(
                f"{model.name} takes inputs of shape {wanted}; {data.name} has {given}."
            )
    if model.output_shape[-1] != len(data.class_names):
        raise ValueError(
            f"{model.name} gives {model.output_shape[-1]} logits; {data.name} has "
            f"{len(data.class_names)} classes."
        )
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) in (
        keras.activations.softmax,
        keras.activations.sigmoid,
    ):
        raise ValueError(
            f"{model.name} ends in probabilities ({last.name}); training takes logits, so leave "
            "the last activation out. Exported files give probabilities beside them."
        )


def _arrays(x: Arrays) -> list[np.ndarray]:
    """The arrays a split may hold anything in; sequences of visits check their own."""
    if isinstance(x, VisitSequences):
        return []
    return [x] if isinstance(x, np.ndarray) else list(x.values())


def _shapes(x: Arrays) -> Any:
    """The shape of one example, by name of the input where there are several."""
    if isinstance(x, VisitSequences):
        return x.features
    return x.shape[1:] if isinstance(x, np.ndarray) else {n: a.shape[1:] for n, a in x.items()}


def _check_visits(model: keras.Model, x: VisitSequences) -> None:
    given = {name: tuple(tensor.shape) for name, tensor in _named_inputs(model).items()}
    wanted = {"visits": (None, None, x.features), "length": (None,)}
    if given != wanted:
        raise ValueError(
            f"{model.name} takes {given}; visits of {x.features} codes need {wanted}. A net of "
            f"the catalogue takes features={x.features}."
        )


def _named_inputs(model: keras.Model) -> dict[str, Any]:
    return model.input if isinstance(model.input, dict) else {t.name: t for t in model.inputs}


def check_reloads(path: Path) -> None:
    """Refuse a model that is saved but cannot be loaded again, before any work.

    Raises:
        ValueError: it has a layer of the user's own that Keras does not know, or a Lambda.
    """
    try:
        load_model(path)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The model cannot be loaded from its own file, so a run could be neither resumed nor "
            "used. Put @keras.saving.register_keras_serializable() on layers of your own, and "
            f"use no Lambda layers. Keras says: {str(error).strip().splitlines()[0]}"
        ) from error


def with_rescaling(net: keras.Model, data: Dataset, recipe: Recipe) -> keras.Model:
    """The net behind a layer that standardises raw values as fitted on the training split."""
    if recipe.rescaling == "none" or not isinstance(data.train.x, np.ndarray):
        return net
    x = data.train.x.astype(np.float64)
    # A constant column has nothing to rescale, and its variance is 0 or what rounding leaves of
    # it: dividing by that would blow up the first change.
    variance = np.where(np.ptp(x, axis=0) > 0, x.var(axis=0), 1.0)
    given = net.inputs[0]
    inputs = keras.Input(given.shape[1:], name=given.name, dtype=given.dtype)
    standardize = keras.layers.Normalization(
        axis=None if x.ndim == 1 else tuple(range(1, x.ndim)),
        mean=x.mean(axis=0),
        variance=variance,
        name="standardize",
    )
    # `call` rather than calling the net: its layers stay in one flat graph, which reads better
    # in a summary, a profile and an exported file than a model within a model.
    return keras.Model(inputs, net.call(standardize(inputs)), name=net.name)
