"""The signature of a model for serving: named inputs and outputs with a free batch axis."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets.exporting.tasks import (
    CLASSIFYING,
    check_outputs,
    choose_task,
    infer_task,
    output_names,
    task_outputs,
)
from kerasnets.exporting.tensor_names import input_names, named_outputs
from kerasnets.exporting.tracing import portable
from kerasnets.profiling.graph import check_recorded


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a signature.

    Attributes:
        name: its name for callers.
        dtype: the name of its NumPy type, such as ``"float32"``.
        shape: the size of each axis, ``None`` for a free axis.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def is_length(self) -> bool:
        """Whether it holds the length of each sequence in the batch."""
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
        arguments: the positional arguments of its call, a structure of Keras input specs.
        inputs: the inputs, in the order of the arguments.
        outputs: the outputs that a call returns.
        task: ``"classification"``, ``"binary"``, ``"multilabel"``, ``"regression"``, or ``None``
            if the outputs are exported as they are.
    """

    model: keras.Model
    arguments: Any
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    task: str | None

    @property
    def is_classifier(self) -> bool:
        """Whether one of the outputs is ``probabilities``."""
        return self.task in CLASSIFYING

    @property
    def specs(self) -> list[tf.TensorSpec]:
        """The inputs as TensorFlow specs."""
        return _specs(self.inputs)

    def __call__(self, *tensors: Any) -> dict[str, Any]:
        """Run the model for inference.

        Args:
            tensors: one tensor per input, in the order of ``inputs``.
        """
        named = named_outputs(self.model, _run(self.model, self.arguments, tensors))
        if self.task is not None:
            (output,) = named.values()
            named = task_outputs(self.task, [info.name for info in self.outputs], output)
        return {name: tf.identity(tensor, name=name) for name, tensor in named.items()}

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the model eagerly on arrays by input name; return its outputs by name."""
        outputs = self(*(tf.constant(arrays[i.name], i.dtype) for i in self.inputs))
        arrays = {name: np.asarray(value) for name, value in outputs.items()}
        return {k: as_text(v) if v.dtype.kind == "O" else v for k, v in arrays.items()}


def serve(model: keras.Model, task: str | None = None, *, classifier: bool | None = None) -> Served:
    """Name the inputs and outputs of a model.

    See :mod:`kerasnets.exporting.tensor_names` for the names and
    :mod:`kerasnets.exporting.tasks` for the outputs that a task adds.

    Args:
        model: any built Keras model.
        task: ``"classification"``, ``"binary"``, ``"multilabel"`` or ``"regression"``. Default: a
            model whose only output is ``logits``, without an activation, is a classifier; the
            outputs of any other model are exported as they are.
        classifier: without a task, ``True`` to treat the only output as logits regardless
            of its name, ``False`` to export the outputs as they are.

    Raises:
        TypeError: ``model`` is not a Keras model.
        ValueError: the model is not built or its call cannot be traced, two inputs or outputs
            have the same name, or the outputs do not fit the task.
    """
    task = choose_task(task, classifier=classifier)
    arguments = _arguments(model)
    specs = keras.tree.flatten(arguments)
    inputs = tuple(
        _info(name, spec.dtype, spec.shape)
        for name, spec in zip(input_names(arguments), specs, strict=True)
    )
    traced = named_outputs(model, _trace(model, arguments, inputs))
    if task is None:
        task = infer_task(model, traced, classifier)
    if task is not None:
        check_outputs(task, model, traced)
        ((name, spec),) = traced.items()
        traced = dict.fromkeys(output_names(task, model, name), spec)
    outputs = tuple(_info(name, spec.dtype, spec.shape) for name, spec in traced.items())
    return Served(model, arguments, inputs, outputs, task)


def as_text(array: np.ndarray) -> np.ndarray:
    """Text as NumPy's own type, which files hold without pickles. Bytes are UTF-8."""
    if array.dtype.kind == "U":
        return array
    decoded = [x.decode() if isinstance(x, bytes) else str(x) for x in array.ravel()]
    return np.array(decoded, str).reshape(array.shape)


def _arguments(model: keras.Model) -> Any:
    # A private function of Keras: no public one returns the call signature of a subclassed model.
    from keras.src.export.export_utils import get_input_signature

    check_recorded(model)
    try:
        return get_input_signature(model)
    except ValueError as error:
        raise ValueError(
            f"{model.name!r} cannot be exported: {error} Call it once on an example."
        ) from error


def _run(model: keras.Model, arguments: Any, tensors: Sequence[Any]) -> Any:
    structure = keras.tree.pack_sequence_as(arguments, list(tensors))
    with contextlib.nullcontext() if tf.executing_eagerly() else portable(model):
        return model(*structure, training=False)


def _trace(model: keras.Model, arguments: Any, inputs: Sequence[TensorInfo]) -> Any:
    """The specs of the outputs, from a trace of the model."""

    def call(*tensors: Any) -> Any:
        return _run(model, arguments, tensors)

    try:
        concrete = tf.function(call, autograph=False).get_concrete_function(*_specs(inputs))
    except Exception as error:
        # The call is the user's code, which may raise anything.
        raise ValueError(
            f"{model.name!r} cannot be exported: its call cannot be traced into a graph "
            f"({type(error).__name__}: {error}). Use only TensorFlow and keras.ops functions: no "
            "NumPy, and no Python branches on values."
        ) from error
    return concrete.structured_outputs


def _specs(infos: Sequence[TensorInfo]) -> list[tf.TensorSpec]:
    return [tf.TensorSpec(info.shape, info.dtype, name=info.name) for info in infos]


def _info(name: str, dtype: Any, shape: Any) -> TensorInfo:
    return TensorInfo(name, tf.as_dtype(dtype).name, tuple(shape))
