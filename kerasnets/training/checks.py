"""Checks before the first step: whether a model fits the data and can be loaded again."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._files import name_full_disk
from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.engine.sources import Source, as_source
from kerasnets.evaluation.tasks import Task, get_task, infer_task, output_names
from kerasnets.nets import load_model


def check_data(data: Dataset) -> None:
    """Refuse empty splits, inputs that are not finite numbers, and labels that do not fit.

    Raises:
        ValueError: with the name of the split and what is wrong with it.
    """
    specs = {}
    for name, split in data.splits.items():
        what = f"The {name} split of {data.name}"
        if len(split) == 0:
            raise ValueError(f"{what} is empty.")
        source = as_source(split.x)
        _check_numbers(what, source)
        if len(source) != len(split):
            raise ValueError(f"{what} has {len(split)} labels for {len(source)} inputs.")
        try:
            get_task(data.task).check_labels(split.y, output_names(data))
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from error
        specs[name] = input_shapes(source)
    if len(set(map(str, specs.values()))) > 1:
        raise ValueError(f"The inputs of {data.name} differ in shape between its splits: {specs}.")


def _check_numbers(what: str, source: Source) -> None:
    for array in map(np.asarray, source.arrays):
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{what} holds {array.dtype}, not numbers.")
        if not np.isfinite(array).all():
            raise ValueError(f"{what} holds NaN or infinite inputs.")


def input_shapes(source: Source) -> Any:
    """Return the shape of one example, by name of the input if there are several."""
    spec = source.batch_spec()
    if isinstance(spec, dict):
        return {name: tuple(part.shape[1:]) for name, part in spec.items()}
    return tuple(spec.shape[1:])


def check_model(model: keras.Model, data: Dataset, task_name: str = "auto") -> Task:
    """Refuse a model whose inputs or outputs do not fit the data; return the task.

    Args:
        model: the model to train.
        data: what to train it on.
        task_name: the task of the recipe.

    Raises:
        ValueError: if they do not fit. The message names what the model takes and the data have.
    """
    _check_has_inputs(model)
    shapes = input_shapes(as_source(data.train.x))
    takes: Any = {name: tuple(tensor.shape[1:]) for name, tensor in _named_inputs(model).items()}
    if not isinstance(shapes, dict) and len(takes) == 1:
        takes = next(iter(takes.values()))
    if not _compatible(takes, shapes):
        hint = ""
        if "visits" in (shapes if isinstance(shapes, dict) else ()):
            features = shapes["visits"][-1]
            hint = f" Sequences of visits need a net with the argument features={features}."
        raise ValueError(
            f"{model.name} takes inputs of shape {takes}; {data.name} has {shapes}.{hint}"
        )
    outputs = model.output_shape
    if not isinstance(outputs, tuple) or len(outputs) != 2:
        raise ValueError(
            f"{model.name} has outputs of shape {outputs}; training needs one output of shape "
            "(n, outputs). kerasnets.fit trains models with any outputs."
        )
    task = infer_task(data, outputs[1])
    if task_name not in ("auto", task.name):
        raise ValueError(f"task={task_name!r}, but {model.name} and {data.name} are {task.name}.")
    last = model.layers[-1]
    activations = keras.activations.softmax, keras.activations.sigmoid
    probabilities = getattr(last, "activation", None) in activations
    if (
        probabilities or isinstance(last, keras.layers.Softmax)
    ) and task.output_name == "probabilities":
        raise ValueError(
            f"{model.name} ends in probabilities ({last.name}); training takes logits, so leave "
            "the last activation out. Exported files return probabilities, too."
        )
    return task


def _check_has_inputs(model: keras.Model) -> None:
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"{model.name} has no inputs yet. Use the functional API, or add a keras.Input to the "
            "Sequential model."
        )


def _compatible(takes: Any, has: Any) -> bool:
    """Whether a model takes inputs of these shapes; ``None`` in its shape takes any size."""
    if isinstance(takes, dict) or isinstance(has, dict):
        return (
            isinstance(takes, dict)
            and isinstance(has, dict)
            and takes.keys() == has.keys()
            and all(_compatible(takes[name], has[name]) for name in takes)
        )
    return len(takes) == len(has) and all(
        wanted in (None, size) for wanted, size in zip(takes, has, strict=True)
    )


def _named_inputs(model: keras.Model) -> dict[str, Any]:
    # A Sequential model has no `input` before it is called, and never several inputs.
    if not isinstance(model, keras.Sequential) and isinstance(model.input, dict):
        return model.input
    return {tensor.name: tensor for tensor in model.inputs}


def check_reloads(path: Path) -> None:
    """Refuse a model that is saved but cannot be loaded again.

    Raises:
        ValueError: if it has a custom layer or step that is not registered with Keras, or a
            Lambda layer.
    """
    _load(path)


def copy_model(model: keras.Model) -> keras.Model:
    """Return a copy with the weights and the ``compile`` settings of a model.

    Raises:
        ValueError: if the model has no inputs yet, or cannot be loaded; see
            :func:`check_reloads`.
    """
    _check_has_inputs(model)
    with (
        name_full_disk("A copy of the model in the folder for temporary files"),
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
    ):
        # The optimizer of a model that was never trained has no variables to save.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        path = Path(folder) / "model.keras"
        model.save(path)
        return _load(path)


def _load(path: Path) -> keras.Model:
    try:
        return load_model(path)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The model cannot be loaded from its own file, so a run could be neither resumed nor "
            "used. Put @keras.saving.register_keras_serializable() on custom layers, losses and "
            "models, and use no Lambda layers. The error of Keras: "
            f"{str(error).strip().splitlines()[0]}"
        ) from error
