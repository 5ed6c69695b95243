"""Change how Keras layers are traced, to get a graph that runs on any machine with equal results.

While a block runs, methods are replaced on the layer objects, never in their classes. Other
models and other threads are not affected.
"""

from __future__ import annotations

import contextlib
import functools
import re
import warnings
from collections.abc import Iterator
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets._patching import TESTED_KERAS, patched


def check_keras_version() -> bool:
    """Return whether export was tested with the installed version of Keras.

    Export replaces private parts of Keras. An untested version therefore warns, once per process,
    and its exports must be verified.
    """
    installed = str(keras.__version__)
    release = re.fullmatch(r"(\d+\.\d+)\.\d+", installed)
    tested = release is not None and release[1] in TESTED_KERAS
    if not tested:
        _warn_untested(installed)
    return tested


@functools.cache
def _warn_untested(installed: str) -> None:
    warnings.warn(
        f"Keras {installed} is installed. Export was tested with Keras {TESTED_KERAS[0]} to "
        f"{TESTED_KERAS[-1]}, and it replaces private parts of Keras, so every export is "
        "verified. To install a tested version: "
        f"pip install 'keras=={TESTED_KERAS[-1]}.*'",
        stacklevel=4,
    )


def all_layers(model: keras.Model) -> list[Any]:
    """Return the model and every layer in it, including nested and wrapped layers."""
    return list(model._flatten_layers())


@contextlib.contextmanager
def portable(model: keras.Model) -> Iterator[None]:
    """Trace a model without operations that need particular hardware, while the block runs.

    Recurrent layers do not use cuDNN, which needs a GPU. Grouped convolutions do not use XLA.
    ``TimeDistributed`` applies its layer once, to all steps as one batch. With an unknown number
    of steps, Keras 3.14 and 3.15 would loop over the batch size instead of the number of steps.

    Args:
        model: The model to trace.
    """
    layers = all_layers(model)
    changes: list[tuple[Any, str, Any]] = [
        (layer, "use_cudnn", False) for layer in layers if "use_cudnn" in vars(layer)
    ]
    changes += [
        (layer, "call", functools.partial(_call_on_merged_steps, layer))
        for layer in layers
        if type(layer).call is keras.layers.TimeDistributed.call
    ]
    changes += [
        (layer, "call", functools.partial(_convolve_groups, layer))
        for layer in layers
        if getattr(layer, "groups", 1) > 1 and hasattr(layer, "convolution_op")
    ]
    with patched(*changes):
        yield


def _convolve_groups(layer: Any, inputs: Any) -> Any:
    """Replace ``call`` of a grouped convolution: one convolution per group."""
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


def _call_on_merged_steps(wrapper: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    """Replace ``TimeDistributed.call``: batch and time become one axis for its layer."""
    arguments = {}
    if wrapper.layer._call_has_training_arg:
        arguments["training"] = training
    if wrapper.layer._call_has_mask_arg and mask is not None:
        arguments["mask"] = _merge_first_axes(mask)
    outputs = wrapper.layer.call(_merge_first_axes(inputs), **arguments)
    steps = tf.reshape(outputs, tf.concat([tf.shape(inputs)[:2], tf.shape(outputs)[1:]], 0))
    return tf.ensure_shape(steps, [*inputs.shape[:2], *outputs.shape[1:]])


def _merge_first_axes(x: Any) -> Any:
    """Reshape ``(batch, time, ...)`` to ``(batch * time, ...)``."""
    merged = tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))
    return tf.ensure_shape(merged, [None, *x.shape[2:]])
