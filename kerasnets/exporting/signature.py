"""A Keras model as it is served: tensors in and out under speaking names, batch axis free."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets.exporting.tracing import portable


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a signature.

    Attributes:
        name: what callers know it by.
        dtype: the name of its numpy type, such as ``"float32"``.
        shape: its axes, ``None`` for each that is free.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def is_length(self) -> bool:
        """Whether it says how long each sequence of the batch is."""
        return self.name == "length" and len(self.shape) == 1

    @property
    def is_sequence(self) -> bool:
        """Whether its second axis is time."""
        return len(self.shape) > 2 or (len(self.shape) == 2 and self.shape[1] is None)


@dataclass(frozen=True, eq=False)
class Served:
    """A model with names for its inputs and outputs.

    Attributes:
        model: the Keras model.
        arguments: the positional arguments of its call as a structure of Keras input specs.
        inputs: its inputs, in the order in which calling it takes them.
        outputs: what calling it returns.
        classifier: whether ``probabilities`` are computed from its ``logits``.
    """

    model: keras.Model
    arguments: Any
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    classifier: bool

    @property
    def specs(self) -> list[tf.TensorSpec]:
        """The inputs as TensorFlow writes them."""
        return [tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in self.inputs]

    def __call__(self, *tensors: Any) -> dict[str, Any]:
        """Run the model for inference.

        Args:
            tensors: one for each of ``inputs``, in order.
        """
        named = _named_outputs(self.model, _run(self.model, self.arguments, tensors))
        if self.classifier:
            (logits,) = named.values()
            named = {"probabilities": _probabilities(logits), "logits": logits}
        return {name: tf.identity(tensor, name=name) for name, tensor in named.items()}

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the model eagerly on arrays by input name, and return its outputs by name."""
        outputs = self(*(tf.constant(arrays[i.name], i.dtype) for i in self.inputs))
        return {name: np.asarray(value) for name, value in outputs.items()}


def serve(model: keras.Model, classifier: bool | None = None) -> Served:
    """Name the inputs and outputs of a model.

    Inputs keep their key where the model takes a dict, and the name of their ``Input``
    otherwise; those of a subclassed model without keys are ``input``, or ``input_0``,
    ``input_1``, … Outputs keep their key where the model returns a dict, and the name of the
    layer they come from otherwise, with a number behind it where a layer gives several; those of
    a subclassed model are ``output`` or ``output_0``, …

    A model is taken for a classifier if it has a single output of shape ``(batch, classes)``
    named ``logits`` and no layer of that name has an activation. A classifier gives two
    outputs: ``logits``, and ``probabilities``, their softmax (their sigmoid where there is only
    one column).

    Args:
        model: any built Keras model.
        classifier: ``True`` to treat a model's only output as logits whatever its name,
            ``False`` to leave the outputs as they are, ``None`` for the rule above.

    Raises:
        TypeError: ``model`` is not a Keras model.
        ValueError: it is not built, its call cannot be traced, two inputs or outputs share a
            name, or ``classifier=True`` does not fit its outputs.
    """
    arguments = _arguments(model)
    inputs = _inputs(arguments)
    traced = _named_outputs(model, _trace(model, arguments, inputs))
    if classifier is None:
        classifier = _is_classifier(model, traced)
    elif classifier and not _one_matrix(traced):
        shapes = {name: tuple(spec.shape) for name, spec in traced.items()}
        raise ValueError(
            "classifier=True needs a model with one floating-point output of shape "
            f"(batch, classes); {model.name!r} gives {shapes}. Leave it out."
        )
    if classifier:
        (logits,) = traced.values()
        traced = {"probabilities": logits, "logits": logits}
    outputs = tuple(_info(name, spec.dtype, spec.shape) for name, spec in traced.items())
    return Served(model, arguments, inputs, outputs, classifier)


def _arguments(model: keras.Model) -> Any:
    # Keras keeps this function to itself, but it alone knows the call of a subclassed model.
    from keras.src.export.export_utils import get_input_signature

    try:
        return get_input_signature(model)
    except ValueError as error:
        raise ValueError(
            f"{model.name!r} cannot be exported: {error} Call it once on an example."
        ) from error


def _inputs(arguments: Any) -> tuple[TensorInfo, ...]:
    flat = keras.tree.flatten(arguments)
    paths = [path for path, _ in _flatten_with_path(arguments)]
    names = [_input_name(path, spec, len(flat)) for path, spec in zip(paths, flat, strict=True)]
    _check_unique("inputs", names)
    return tuple(
        _info(name, spec.dtype, spec.shape) for name, spec in zip(names, flat, strict=True)
    )


def _input_name(path: tuple[Any, ...], spec: Any, count: int) -> str:
    if path and isinstance(path[-1], str):
        return path[-1]
    if spec.name:
        return str(spec.name)
    return "input" if count == 1 else f"input_{path[-1]}"


def _flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves of nested dicts, lists and tuples with the keys and indices that lead there."""
    if isinstance(structure, Mapping):
        # Sorted, as Keras flattens dicts.
        children: list[tuple[Any, Any]] = [(key, structure[key]) for key in sorted(structure)]
    elif isinstance(structure, list | tuple):
        children = list(enumerate(structure))
    else:
        return [((), structure)]
    return [
        ((key, *path), leaf) for key, child in children for path, leaf in _flatten_with_path(child)
    ]


def _run(model: keras.Model, arguments: Any, tensors: Sequence[Any]) -> Any:
    structure = keras.tree.pack_sequence_as(arguments, list(tensors))
    with contextlib.nullcontext() if tf.executing_eagerly() else portable(model):
        return model(*structure, training=False)


def _named_outputs(model: keras.Model, outputs: Any) -> dict[str, Any]:
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


def _output_layers(model: keras.Model) -> list[str]:
    """The names of the layers the outputs come from, where the model has a graph of layers."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    return list(getattr(model, "output_names", []))


def _numbered(names: Sequence[str]) -> list[str]:
    """The names, with numbers behind those that occur more than once."""
    return [
        f"{name}_{names[:index].count(name)}" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def _check_unique(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Two {what} of the model are named {', '.join(map(repr, twice))}. Give every one a "
            "name of its own, since callers know them by it."
        )


def _trace(model: keras.Model, arguments: Any, inputs: Sequence[TensorInfo]) -> Any:
    """The outputs of the model as TensorFlow sees them without running it."""

    def call(*tensors: Any) -> Any:
        return _run(model, arguments, tensors)

    specs = [tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in inputs]
    try:
        concrete = tf.function(call, autograph=False).get_concrete_function(*specs)
    except Exception as error:
        raise ValueError(
            f"{model.name!r} cannot be exported: its call cannot be traced into a graph "
            f"({type(error).__name__}: {error}). Use TensorFlow or keras.ops functions only, no "
            "numpy and no Python branches on values."
        ) from error
    return concrete.structured_outputs


def _one_matrix(outputs: Mapping[str, Any]) -> bool:
    specs = list(outputs.values())
    return len(specs) == 1 and specs[0].shape.rank == 2 and specs[0].dtype.is_floating


def _is_classifier(model: keras.Model, outputs: Mapping[str, Any]) -> bool:
    if list(outputs) != ["logits"] or not _one_matrix(outputs):
        return False
    named = [layer for layer in model.layers if layer.name == "logits"]
    linear = (None, keras.activations.linear)
    return all(getattr(layer, "activation", None) in linear for layer in named)


def _probabilities(logits: Any) -> Any:
    return tf.nn.softmax(logits) if logits.shape[-1] != 1 else tf.sigmoid(logits)


def _info(name: str, dtype: Any, shape: Any) -> TensorInfo:
    return TensorInfo(name, tf.as_dtype(dtype).name, tuple(shape))
