"""Replace layers of a model by faster kernels while a step is traced.

Results differ from Keras's only in the last digits and in the random masks of dropout. The layers
themselves, their weights and saved files are not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kerasnets._lazy import keras
from kerasnets._patching import own_attributes, patched
from kerasnets.engine.kernels import batch_norm, convolution, dropout, recurrent


@contextmanager
def fast_layers(model: keras.Model, *, xla: bool = True, compile_for: int = 0) -> Iterator[None]:
    """Trace the layers of a model with faster kernels while the block runs.

    Args:
        model: Any Keras model. Layers without a faster kernel are not changed.
        xla: Whether XLA compiles the traced function. Our recurrent layers are faster only with
            XLA, and TensorFlow's batch normalization only without it.
        compile_for: Rows per full batch for which XLA compiles parts of the step when ``xla`` is
            false. With 0 nothing is compiled, and Dropout layers use Keras's own random masks.
    """
    changes = [
        (layer, name, function)
        for layer in model._flatten_layers()
        for name, function in _replacements(layer, xla, compile_for)
        if name not in own_attributes(layer)  # a method that the user has replaced
    ]
    with patched(*changes):
        yield


def _replacements(
    layer: Any, xla: bool, compile_for: int
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the name of each method to replace, and its replacement."""
    if xla and recurrent.supports(layer):
        yield "inner_loop", recurrent.make_inner_loop(layer)
    elif (xla or compile_for) and dropout.supports(layer):
        yield "call", dropout.make_call(layer, compile_for)
    elif convolution.supports(layer):
        yield "convolution_op", convolution.make_convolution_op(layer)
    elif not xla and batch_norm.supports(layer):
        yield "call", batch_norm.make_call(layer)
