"""What is traced instead of some of Keras's layers: the same from fewer or faster operations.

Only while a step is traced, and only where nothing but the last digits and the masks of dropout
can change. The layers, their weights and what is saved stay Keras's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets.engine.kernels.batch_norm import is_plain_normalization, normalization_call
from kerasnets.engine.kernels.convolution import convolution_op, is_plain_convolution
from kerasnets.engine.kernels.dropout import dropout
from kerasnets.engine.kernels.recurrent import gru_states, lstm_states


@contextmanager
def fast_layers(model: keras.Model, *, xla: bool = True, compile_for: int = 0) -> Iterator[None]:
    """Let some layers run code of our own in what is traced meanwhile.

    Args:
        model: any.
        xla: whether XLA will compile what is traced; our recurrent layers are faster only then,
            and TensorFlow's batch normalization only else.
        compile_for: without XLA, the rows of a batch of which it fuses parts even so; 0 for
            none, and then dropout stays Keras's.
    """
    replaced = []
    try:
        for layer in model._flatten_layers():
            for name, call in _faster(layer, xla, compile_for):
                layer.__dict__[name] = call
                replaced.append((layer, name))
        yield
    finally:
        for layer, name in replaced:
            del layer.__dict__[name]


def _faster(layer: Any, xla: bool, compile_for: int) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The methods to replace, by name."""
    if xla and _is_plain_recurrent(layer):
        yield "inner_loop", _inner_loop(layer, layer.inner_loop)
    elif (xla or compile_for) and _is_plain_dropout(layer):
        yield "call", _dropout_call(layer, compile_for)
    elif is_plain_convolution(layer):
        yield "convolution_op", convolution_op(layer)
    elif not xla and is_plain_normalization(layer):
        yield "call", normalization_call(layer)


def _is_plain_dropout(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.Dropout
        and layer.rate > 0
        and layer.noise_shape is None
        and layer.compute_dtype == "float32"
    )


def _dropout_call(layer: Any, compile_for: int) -> Callable[..., Any]:
    """What stands in for the layer's ``call``."""

    def call(inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        return dropout(inputs, layer.rate, layer.seed_generator.next(), compile_for)

    return call


def _is_plain_recurrent(layer: Any) -> bool:
    """Whether it is a GRU or LSTM with the usual activations and nothing unusual."""
    if type(layer) not in (keras.layers.GRU, keras.layers.LSTM):
        return False
    cell = layer.cell
    return (
        cell.activation is keras.activations.tanh
        and cell.recurrent_activation is keras.activations.sigmoid
        and not cell.recurrent_dropout
        and not (cell.dropout and cell.implementation == 1)
        and not layer.unroll
        and layer.compute_dtype == "float32"
    )


def _inner_loop(layer: Any, usual: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in for the layer's ``inner_loop``, which is ``usual``."""
    cell = layer.cell

    def loop(sequences: Any, initial_state: Any, mask: Any = None, training: bool = False) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        zeros_masked = mask is not None and layer.zero_output_for_mask
        if None in sequences.shape or zeros_masked:
            return usual(sequences, initial_state, mask, training=training)
        if training and cell.dropout:
            sequences *= cell.get_dropout_mask(sequences[:, 0])[:, tf.newaxis]
        # Features before the batch: gates are then slices in one piece, which XLA vectorises.
        x = tf.transpose(sequences, (1, 2, 0))
        valid = None if mask is None else tf.transpose(mask)[:, tf.newaxis]
        if layer.go_backwards:
            x, valid = x[::-1], None if valid is None else valid[::-1]
        states, ends = _run(layer, x, [tf.transpose(state) for state in initial_state], valid)
        ends = [tf.transpose(end) for end in ends]
        return ends[0], tf.transpose(states, (2, 0, 1)), ends

    return loop


def _run(layer: Any, x: Any, start: list[Any], valid: Any) -> tuple[Any, list[Any]]:
    """All states and the last ones, features before the batch."""
    cell = layer.cell
    kernel = tf.convert_to_tensor(cell.recurrent_kernel)
    bias = tf.convert_to_tensor(cell.bias) if cell.use_bias else tf.zeros(kernel.shape[1])
    recurrent_bias = tf.zeros_like(bias)
    if len(bias.shape) == 2:
        bias, recurrent_bias = bias[0], bias[1]
    given = tf.einsum("tfb,fu->tub", x, tf.convert_to_tensor(cell.kernel)) + bias[:, tf.newaxis]
    across = tf.transpose(kernel)
    if isinstance(layer, keras.layers.LSTM):
        states, cells = lstm_states(given, start[0], start[1], across, valid)
        return states, [states[-1], cells[-1]]
    states = gru_states(
        given, start[0], across, recurrent_bias[:, tf.newaxis], valid, reset_after=cell.reset_after
    )
    return states, [states[-1]]
