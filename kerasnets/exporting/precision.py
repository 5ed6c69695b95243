"""Models with the same weights that compute in another type.

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
        return _copy(model, "float32")
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name!r} computes in {', '.join(policies)}, and is exported in float32. Keras "
            f"cannot build such a copy of it ({error}). Build the model with "
            'keras.config.set_dtype_policy("float32"), and pass it the weights with set_weights.'
        ) from error


def in_float64(model: keras.Model) -> keras.Model | None:
    """A copy of a model that computes in float64; ``None`` if Keras cannot build it."""
    try:
        return _copy(model, "float64")
    except (NotImplementedError, TypeError, ValueError):
        return None


def _copy(model: keras.Model, dtype: str) -> keras.Model:
    config = _replace_types(keras.saving.serialize_keras_object(model), dtype)
    config.pop("compile_config", None)
    copy = keras.saving.deserialize_keras_object(config)
    types = (*_TYPES, "float32")
    copy.set_weights(
        [np.asarray(w, dtype if w.dtype in types else str(w.dtype)) for w in model.weights]
    )
    return copy


def _replace_types(config: Any, dtype: str) -> Any:
    """The configuration with one type in place of all floating-point types and policies."""
    if isinstance(config, dict):
        return {key: _replace_types(value, dtype) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_replace_types(value, dtype) for value in config)
    if isinstance(config, str) and config in (*_POLICIES, "float32"):
        return dtype
    return config
