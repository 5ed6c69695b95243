"""The names of the inputs and outputs in the exported signature of a Keras model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerasnets._lazy import keras


def input_names(arguments: Any) -> list[str]:
    """The names of the inputs of a model.

    Args:
        arguments: the positional arguments of its call, a structure of Keras input specs.

    Returns:
        The key of each input in a dict, otherwise the name of its ``keras.Input``. Inputs of a
        subclassed model without keys are ``input``, or ``input_0``, ``input_1``, …

    Raises:
        ValueError: two inputs have the same name.
    """
    leaves = _flatten_with_path(arguments)
    names = [_input_name(path, spec, len(leaves)) for path, spec in leaves]
    _check_unique("inputs", names)
    return names


def named_outputs(model: keras.Model, outputs: Any) -> dict[str, Any]:
    """The outputs of a model by name.

    Args:
        model: the model.
        outputs: what it returned: a tensor, or a structure of tensors.

    Returns:
        The tensors under their key in a dict, otherwise under the name of the layer they come
        from, followed by a number if a layer has several outputs. Outputs of a subclassed model
        without keys are ``output``, or ``output_0``, ``output_1``, …

    Raises:
        ValueError: two outputs have the same name.
    """
    leaves = _flatten_with_path(outputs)
    layers = _numbered(_output_layers(model))
    if len(layers) != len(leaves):
        layers = ["output"] if len(leaves) == 1 else [f"output_{i}" for i in range(len(leaves))]
    names = [
        path[-1] if path and isinstance(path[-1], str) else layer
        for layer, (path, _) in zip(layers, leaves, strict=True)
    ]
    _check_unique("outputs", names)
    return {name: leaf for name, (_, leaf) in zip(names, leaves, strict=True)}


def _input_name(path: tuple[Any, ...], spec: Any, count: int) -> str:
    if path and isinstance(path[-1], str):
        return path[-1]
    if spec.name:
        return str(spec.name)
    return "input" if count == 1 else f"input_{path[-1]}"


def _flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves of nested dicts, lists and tuples, each with its path of keys and indices."""
    if isinstance(structure, Mapping):
        # Keras sorts the keys too when it flattens a dict.
        children: list[tuple[Any, Any]] = [(key, structure[key]) for key in sorted(structure)]
    elif isinstance(structure, list | tuple):
        children = list(enumerate(structure))
    else:
        return [((), structure)]
    return [
        ((key, *path), leaf) for key, child in children for path, leaf in _flatten_with_path(child)
    ]


def _output_layers(model: keras.Model) -> list[str]:
    """The names of the layers that compute the outputs; empty for a subclassed model."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    return list(getattr(model, "output_names", []))


def _numbered(names: Sequence[str]) -> list[str]:
    """Add a number to each name that occurs more than once."""
    return [
        f"{name}_{names[:index].count(name)}" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def _check_unique(what: str, names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"Two {what} of the model are named {', '.join(map(repr, repeated))}. Give each of "
            "them a different name: callers address them by name."
        )
