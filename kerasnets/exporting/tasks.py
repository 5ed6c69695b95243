"""How the task of a model decides the names and the meaning of its exported outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras, tf

CLASSIFYING = ("classification", "binary", "multilabel")
TASKS = (*CLASSIFYING, "regression")


def choose_task(
    task: str | None, run_task: str | None = None, classifier: bool | None = None
) -> str | None:
    """Choose between the task that the caller passes and the task of a run.

    Args:
        task: the ``task`` argument of :func:`kerasnets.export`, which has priority.
        run_task: the task of the run, ``None`` without one.
        classifier: the ``classifier`` argument of :func:`kerasnets.export`. ``False`` ignores
            the task of the run.

    Returns:
        The task, or ``None`` if :func:`infer_task` has to decide.

    Raises:
        ValueError: the task is unknown or contradicts ``classifier``.
    """
    chosen = task or (None if classifier is False else run_task)
    if not chosen:
        return None
    if chosen not in TASKS:
        raise unknown_name("task", chosen, TASKS)
    if classifier is not None and task is not None and classifier != (task in CLASSIFYING):
        raise ValueError(
            f"classifier={classifier} contradicts task={task!r}. Leave classifier out: the task "
            "decides."
        )
    if classifier and chosen not in CLASSIFYING:
        raise ValueError(
            f"classifier=True contradicts the task of the run, {chosen!r}. Leave classifier out, "
            f"or pass task= with one of {', '.join(CLASSIFYING)}."
        )
    return chosen


def infer_task(
    model: keras.Model, outputs: Mapping[str, Any], classifier: bool | None = None
) -> str | None:
    """Infer the task of a model from its outputs.

    A model is a classifier if its only output is named ``logits``, has the shape
    ``(batch, classes)`` and no activation.

    Args:
        model: the model.
        outputs: a tensor spec per output name.
        classifier: ``True`` to treat the only output as logits regardless of its name, ``False`` to
            infer no task.

    Returns:
        ``"binary"`` for one column of logits, ``"classification"`` for several, ``None`` if the
        outputs are exported as they are.

    Raises:
        ValueError: ``classifier=True`` and the model does not have one output matrix.
    """
    if classifier is None:
        classifier = (
            list(outputs) == ["logits"]
            and _is_matrix(outputs)
            and final_activation(model) in (None, "linear")
        )
    if not classifier:
        return None
    if not _is_matrix(outputs):
        raise _not_a_matrix("classifier=True", "classes", model, outputs)
    return "binary" if _columns(outputs) == 1 else "classification"


def check_outputs(task: str, model: keras.Model, outputs: Mapping[str, Any]) -> None:
    """Check that the outputs of a model fit a task.

    Args:
        task: one of ``TASKS``.
        model: the model.
        outputs: a tensor spec per output name.

    Raises:
        ValueError: the model does not have one output of shape ``(batch, columns)``, the number
            of columns does not fit, or the last activation belongs to another task.
    """
    if not _is_matrix(outputs):
        raise _not_a_matrix(f"task={task!r}", "columns", model, outputs)
    columns = _columns(outputs)
    if task == "binary" and columns != 1:
        raise ValueError(
            f"task='binary' needs a model with one column of logits; {model.name!r} has "
            f"{columns}. Pass task='classification' for one class per row, or 'multilabel'."
        )
    if task == "classification" and columns == 1:
        raise ValueError(
            f"task='classification' needs at least two columns of logits; {model.name!r} has "
            "one. Pass task='binary'."
        )
    activation = final_activation(model)
    if task in CLASSIFYING and activation in {"softmax", "sigmoid"} - {activation_name(task)}:
        raise ValueError(
            f"task={task!r} needs logits, or probabilities from {activation_name(task)!r}; the "
            f"last layer of {model.name!r} applies {activation!r}. Remove the activation or "
            "pass another task."
        )


def output_names(task: str, model: keras.Model, name: str) -> tuple[str, ...]:
    """The names under which the only output of a model is exported.

    Args:
        task: one of ``TASKS``.
        model: the model, checked with :func:`check_outputs`.
        name: the name of its output without a task.

    Returns:
        ``("probabilities", "logits")`` for a classifier, or only ``("probabilities",)`` if its
        last layer applies the softmax or sigmoid already. For regression, the name that the user
        gave to the output, or ``("prediction",)``.
    """
    if task not in CLASSIFYING:
        return ("prediction",) if _is_default_name(model, name) else (name,)
    if final_activation(model) == activation_name(task):
        return ("probabilities",)
    return ("probabilities", "logits")


def task_outputs(task: str, names: Sequence[str], output: Any) -> dict[str, Any]:
    """The exported tensors, computed from the output of the model.

    Args:
        task: one of ``TASKS``.
        names: the result of :func:`output_names`.
        output: the output tensor, shape ``(batch, columns)``.
    """
    if "logits" not in names:
        return {names[0]: output}
    activation = tf.nn.softmax if activation_name(task) == "softmax" else tf.sigmoid
    return {"probabilities": activation(output), "logits": output}


def activation_name(task: str) -> str:
    """The function that turns the logits of a classifying task into probabilities."""
    return "softmax" if task == "classification" else "sigmoid"


def final_activation(model: keras.Model) -> str | None:
    """The name of the function that the last layer of a model applies, ``None`` if unknown."""
    operation = _last_operation(model)
    if isinstance(operation, keras.Model):
        return final_activation(operation)
    function = getattr(operation, "activation", None)
    if function is not None:
        return str(getattr(function, "__name__", type(function).__name__))
    kind = type(operation).__name__.lower()
    return kind if kind in ("softmax", "sigmoid") else None


def _last_operation(model: keras.Model) -> Any:
    """The layer or operation of the first output; ``None`` for a subclassed model."""
    if isinstance(model, keras.Sequential):
        return model.layers[-1]
    names = getattr(model, "output_names", [])
    operations = getattr(model, "operations", [])
    return next((op for op in operations if names and op.name == names[0]), None)


def _is_default_name(model: keras.Model, name: str) -> bool:
    """Whether an output name is a default: generated by Keras, "logits" or "output"."""
    operation = _last_operation(model)
    stem = re.sub(r"_\d+$", "", name).replace("_", "")
    return name in ("logits", "output") or stem == type(operation).__name__.lower()


def _is_matrix(outputs: Mapping[str, Any]) -> bool:
    specs = list(outputs.values())
    return len(specs) == 1 and specs[0].shape.rank == 2 and specs[0].dtype.is_floating


def _columns(outputs: Mapping[str, Any]) -> int | None:
    (spec,) = outputs.values()
    columns: int | None = spec.shape[-1]
    return columns


def _not_a_matrix(
    argument: str, columns: str, model: keras.Model, outputs: Mapping[str, Any]
) -> ValueError:
    shapes = {name: tuple(spec.shape) for name, spec in outputs.items()}
    return ValueError(
        f"{argument} needs a model with one floating-point output of shape (batch, {columns}); "
        f"{model.name!r} has {shapes}. Leave the argument out, or export a model with that "
        "output only."
    )
