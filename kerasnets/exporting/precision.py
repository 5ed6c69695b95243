"""Models that do not compute in float32, as float32 models with the same weights.

ONNX Runtime cannot load most graphs in bfloat16 and many in float64, and the results of two
runtimes in float16 differ by more than any useful tolerance. So such models are exported in
float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.exporting.tracing import all_layers

_TYPES = ("bfloat16", "float16", "float64")
_POLICIES = (*_TYPES, "mixed_bfloat16", "mixed_float16")


def policies_of(model: keras.Model) -> list[str]:
    """The dtype policies of the layers that do not compute in float32, sorted."""
    names = {layer.dtype_policy.name for layer in all_layers(model)}
    return sorted(name for name in names if name in _POLICIES)


def in_float32(model: keras.Model) -> keras.Model:
    """A copy of a model that computes in float32; the model itself if it does so already.

    Args:
        model: any built Keras model. It is not changed.

    Raises:
        ValueError: Keras cannot build the copy from the configuration of the model.
    """
    policies = policies_of(model)
    if not policies:
        return model
    try:
        config = _replace_types(keras.saving.serialize_keras_object(model))
        config.pop("compile_config", None)
        copy = keras.saving.deserialize_keras_object(config)
        copy.set_weights([np.asarray(weight, _plain(weight)) for weight in model.weights])
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name!r} computes in {', '.join(policies)}, and is exported in float32. Keras "
            f"cannot build such a copy of it ({error}). Build the model with "
            'keras.config.set_dtype_policy("float32"), and pass it the weights with set_weights.'
        ) from error
    return copy


def _plain(weight: Any) -> str:
    return "float32" if weight.dtype in _TYPES else str(weight.dtype)


def _replace_types(config: Any) -> Any:
    """The configuration with float32 in place of the other floating-point types and policies."""
    if isinstance(config, dict):
        return {key: _replace_types(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_replace_types(value) for value in config)
    return "float32" if isinstance(config, str) and config in _POLICIES else config
