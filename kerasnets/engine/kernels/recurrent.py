"""GRU and LSTM layers with less work inside the loop over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets.engine.kernels.recurrent_loops import gru_states, lstm_states


def supports(layer: Any) -> bool:
    """Return whether a layer is a GRU or LSTM with default activations that can be replaced."""
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


def make_inner_loop(layer: Any) -> Callable[..., Any]:
    """Return a replacement for ``layer.inner_loop``.

    It calls Keras's own method if a dimension of the inputs is unknown, or if the outputs of masked
    steps must be zero.
    """
    keras_inner_loop = layer.inner_loop
    cell = layer.cell

    def inner_loop(
        sequences: Any, initial_state: Any, mask: Any = None, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        zero_masked_outputs = mask is not None and layer.zero_output_for_mask
        if None in sequences.shape or zero_masked_outputs:
            return keras_inner_loop(sequences, initial_state, mask, training=training)
        if training and cell.dropout:
            sequences *= cell.get_dropout_mask(sequences[:, 0])[:, tf.newaxis]
        # With features before the batch axis, each gate is one contiguous slice, which XLA
        # vectorizes.
        x = tf.transpose(sequences, (1, 2, 0))
        time_mask = None if mask is None else tf.transpose(mask)[:, tf.newaxis]
        if layer.go_backwards:
            x, time_mask = x[::-1], None if time_mask is None else time_mask[::-1]
        state = [tf.transpose(part) for part in initial_state]
        states, last_state = _run(layer, x, state, time_mask)
        last_state = [tf.transpose(part) for part in last_state]
        return last_state[0], tf.transpose(states, (2, 0, 1)), last_state

    return inner_loop


def _run(layer: Any, x: Any, initial_state: Sequence[Any], mask: Any) -> tuple[Any, list[Any]]:
    """Return the states of all steps and the last state, both with features before the batch."""
    cell = layer.cell
    recurrent_kernel = tf.convert_to_tensor(cell.recurrent_kernel)
    gates = recurrent_kernel.shape[1]
    bias = tf.convert_to_tensor(cell.bias) if cell.use_bias else tf.zeros(gates)
    recurrent_bias = tf.zeros_like(bias)
    if len(bias.shape) == 2:  # a GRU with reset_after
        bias, recurrent_bias = bias[0], bias[1]
    kernel = tf.convert_to_tensor(cell.kernel)
    projected = tf.einsum("tfb,fu->tub", x, kernel) + bias[:, tf.newaxis]
    recurrent_kernel = tf.transpose(recurrent_kernel)
    if isinstance(layer, keras.layers.LSTM):
        states, cells = lstm_states(
            projected, initial_state[0], initial_state[1], recurrent_kernel, mask
        )
        return states, [states[-1], cells[-1]]
    states = gru_states(
        projected,
        initial_state[0],
        recurrent_kernel,
        recurrent_bias[:, tf.newaxis],
        mask,
        reset_after=cell.reset_after,
    )
    return states, [states[-1]]
