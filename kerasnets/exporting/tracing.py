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
        if _is_grouped(layer) and "call" not in vars(layer)
    ]
    with patched(*changes):
        yield


def _is_grouped(layer: Any) -> bool:
    """Whether a layer is a convolution with several groups."""
    return getattr(layer, "groups", 1) > 1 and hasattr(layer, "convolution_op")


@contextlib.contextmanager
def grouped_operations(model: keras.Model) -> Iterator[None]:
    """Trace each grouped convolution as one operation, while the block runs.

    TensorFlow cannot run this operation on a CPU, but it becomes one ONNX node.

    Args:
        model: The model to trace.
    """
    grouped = [layer for layer in all_layers(model) if _is_grouped(layer)]
    with patched(*((layer, "call", functools.partial(_one_operation, layer)) for layer in grouped)):
        yield


def _one_operation(layer: Any, inputs: Any) -> Any:
    """Replace ``call`` of a grouped convolution for a trace that is not run."""
    inputs, padding = _causal_as_valid(layer, inputs)
    x = tf.nn.convolution(
        inputs,
        tf.convert_to_tensor(layer.kernel),
        strides=list(layer.strides),
        padding=padding.upper(),
        data_format=_tensorflow_format(layer),
        dilations=list(layer.dilation_rate),
    )
    return _with_bias(layer, x)


def _tensorflow_format(layer: Any) -> str:
    axes = "DHW"[-layer.rank :] if layer.rank > 1 else "W"
    return f"N{axes}C" if layer.data_format == "channels_last" else f"NC{axes}"


def _causal_as_valid(layer: Any, inputs: Any) -> tuple[Any, str]:
    """Pad the inputs of a causal convolution, which then needs no other padding."""
    if layer.padding == "causal":
        return tf.pad(inputs, layer._compute_causal_padding()), "valid"
    return inputs, layer.padding


def _with_bias(layer: Any, x: Any) -> Any:
    if layer.use_bias:
        last = layer.data_format == "channels_last"
        x += tf.reshape(layer.bias, [-1] if last else [-1, *[1] * layer.rank])
    return x if layer.activation is None else layer.activation(x)


def _convolve_groups(layer: Any, inputs: Any) -> Any:
    """Replace ``call`` of a grouped convolution: depthwise, or one convolution per group."""
    inputs, padding = _causal_as_valid(layer, inputs)
    axis = -1 if layer.data_format == "channels_last" else 1
    if _is_depthwise(layer, inputs):
        return _with_bias(layer, _convolve_depthwise(layer, inputs, padding))
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
    return _with_bias(layer, tf.concat(outputs, axis))


def _is_depthwise(layer: Any, inputs: Any) -> bool:
    """Whether TensorFlow has a depthwise operation for a convolution that runs on any machine."""
    return (
        layer.rank < 3
        and layer.data_format == "channels_last"
        and layer.groups == inputs.shape[-1]
        and len(set(layer.strides)) == 1
        and (max(layer.strides) == 1 or max(layer.dilation_rate) == 1)
    )


def _convolve_depthwise(layer: Any, inputs: Any, padding: str) -> Any:
    """One operation for a convolution in which every channel is a group of its own."""
    kernel = tf.convert_to_tensor(layer.kernel)  # (…, 1, groups · multiplier)
    return keras.ops.depthwise_conv(
        inputs,
        tf.reshape(kernel, [*layer.kernel_size, layer.groups, -1]),
        strides=tuple(layer.strides),
        padding=padding,
        dilation_rate=tuple(layer.dilation_rate),
        data_format=layer.data_format,
    )


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
