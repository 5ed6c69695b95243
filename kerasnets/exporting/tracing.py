"""Keras layers as they must be traced, so that the graph runs anywhere and says what Keras says.

Layers are changed by attributes of their own for as long as a block runs, never by their class:
other models, in this thread and in others, notice nothing.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

from kerasnets._lazy import keras, tf

# Keras's insides are replaced here by name; only of these versions is it known to be right.
_KERAS = "3.15"

# Two threads exporting the same model would undo each other's changes.
_REPLACING = threading.RLock()
_MISSING = object()


def check_keras_version() -> None:
    """Refuse to trace with a Keras this was not tested with.

    Raises:
        ImportError: another one is installed.
    """
    found = str(keras.__version__)
    if not found.startswith(f"{_KERAS}."):
        raise ImportError(
            f"Exporting replaces parts of Keras while it traces, and is tested with Keras {_KERAS} "
            f"only; {found} is installed. Install the other: pip install 'keras=={_KERAS}.*'"
        )


def all_layers(model: keras.Model) -> list[Any]:
    """The model and every layer in it, nested and wrapped ones too."""
    return list(model._flatten_layers())


@contextlib.contextmanager
def replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Set attributes while the block runs; afterwards the objects are as they were.

    Args:
        changes: object, attribute and value of each.
    """
    with _REPLACING, contextlib.ExitStack() as stack:
        for target, name, value in changes:
            stack.callback(_restore, target, name, vars(target).get(name, _MISSING))
            # Past Keras's own __setattr__, which would track what is set.
            object.__setattr__(target, name, value)
        yield


def _restore(target: Any, name: str, value: Any) -> None:
    if value is _MISSING:
        object.__delattr__(target, name)
    else:
        object.__setattr__(target, name, value)


@contextlib.contextmanager
def portable(model: keras.Model) -> Iterator[None]:
    """Trace without what ties a graph to a machine, or makes it another function than the model.

    Recurrent layers must not become cuDNN operations, which run on GPUs only, nor convolutions in
    groups functions for XLA. ``TimeDistributed`` applies its layer once, to all steps as one
    batch: for an unknown number of steps the graph of Keras 3.15 runs over the batch axis instead.

    Args:
        model: the model that is traced while the block runs.
    """
    layers = all_layers(model)
    changes: list[tuple[Any, str, Any]] = [
        (layer, "use_cudnn", False) for layer in layers if "use_cudnn" in vars(layer)
    ]
    changes += [
        (layer, "call", functools.partial(_fold_time, layer))
        for layer in layers
        if type(layer).call is keras.layers.TimeDistributed.call
    ]
    changes += [
        (layer, "call", functools.partial(_convolve_groups, layer))
        for layer in layers
        if getattr(layer, "groups", 1) > 1 and hasattr(layer, "convolution_op")
    ]
    with replaced(*changes):
        yield


def _convolve_groups(layer: Any, inputs: Any) -> Any:
    """Stands in for the call of a convolution in groups: a convolution a group."""
    padding, last = layer.padding, layer.data_format == "channels_last"
    if padding == "causal":
        inputs, padding = tf.pad(inputs, layer._compute_causal_padding()), "valid"
    axis = -1 if last else 1
    kernels = tf.split(tf.convert_to_tensor(layer.kernel), layer.groups, axis=-1)
    outputs = [
        keras.ops.conv(
            part,
            kernel,
            strides=list(layer.strides),
            padding=padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )
        for part, kernel in zip(tf.split(inputs, layer.groups, axis=axis), kernels, strict=True)
    ]
    x = tf.concat(outputs, axis)
    if layer.use_bias:
        x += tf.reshape(layer.bias, [-1] if last else [-1, *[1] * layer.rank])
    return x if layer.activation is None else layer.activation(x)


def _fold_time(wrapper: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    """Stands in for ``TimeDistributed.call``."""
    arguments = {}
    if wrapper.layer._call_has_training_arg:
        arguments["training"] = training
    if wrapper.layer._call_has_mask_arg and mask is not None:
        arguments["mask"] = _merge_first_axes(mask)
    outputs = wrapper.layer.call(_merge_first_axes(inputs), **arguments)
    split = tf.reshape(outputs, tf.concat([tf.shape(inputs)[:2], tf.shape(outputs)[1:]], 0))
    return tf.ensure_shape(split, [*inputs.shape[:2], *outputs.shape[1:]])


def _merge_first_axes(x: Any) -> Any:
    merged = tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))
    return tf.ensure_shape(merged, [None, *x.shape[2:]])
