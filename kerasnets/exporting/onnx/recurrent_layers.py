"""Trace recurrent layers so that each cell becomes one native ONNX node instead of a loop.

While a model is traced, the inner loop of its recurrent layers is replaced. A marker operation
takes the input, the states and the weights of one cell;
:mod:`kerasnets.exporting.onnx.recurrent_nodes` converts it to a ``GRU``, ``LSTM`` or ``RNN`` node.
Keras's own code runs around the cells.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets._patching import own_attributes, patched
from kerasnets.exporting.onnx.length_masks import LengthMasks
from kerasnets.exporting.onnx.recurrent_nodes import Marker
from kerasnets.exporting.tracing import all_layers


@dataclass(frozen=True)
class _Trace:
    """What the replacements need to know while a model is traced.

    Attributes:
        sequence_lens: whether nodes get the number of unmasked steps of each row.
        masks: the masks that are known to unmask the first steps of each row.
    """

    sequence_lens: bool
    masks: LengthMasks


@contextlib.contextmanager
def native_recurrence(
    model: keras.Model, *, allow_loops: bool = False, sequence_lens: bool = True
) -> Iterator[LengthMasks]:
    """Trace recurrent layers as markers while the block runs, then restore the model.

    Yields:
        The masks of lengths that were traced.

    Args:
        model: the model to trace.
        allow_loops: keep layers without a native node as loops.
        sequence_lens: whether nodes of masked layers get the number of steps of each row. Without
            it, they also compute the masked steps, whose outputs are not used.

    Raises:
        ValueError: a layer has no native node and ``allow_loops`` is false.
    """
    trace, found = _Trace(sequence_lens, LengthMasks()), all_layers(model)
    layers = [layer for layer in found if isinstance(layer, keras.layers.RNN)]
    refused = {layer: reason for layer in layers if (reason := why_not_native(layer))}
    if refused and not allow_loops:
        reasons = "; ".join(f"{layer.name!r} {reason}" for layer, reason in refused.items())
        raise ValueError(
            f"{model.name!r} has recurrent layers that no ONNX operator can compute: {reasons}. "
            "Change them, or pass allow_loops=True to export them as loops, which are slow."
        )
    loops = [
        (layer, "inner_loop", functools.partial(_inner_loop, trace, layer))
        for layer in layers
        if layer not in refused
    ]
    with patched(*loops, *trace.masks.changes(found)):
        yield trace.masks


def why_not_native(layer: Any) -> str | None:
    """The reason why no ONNX operator can compute a recurrent layer; ``None`` if one can.

    Args:
        layer: a ``keras.layers.RNN`` or a subclass.
    """
    layers = keras.layers
    if layer.stateful:
        return "is stateful"
    own_loops = (layers.RNN.inner_loop, layers.GRU.inner_loop, layers.LSTM.inner_loop)
    if "inner_loop" in own_attributes(layer) or type(layer).inner_loop not in own_loops:
        return "has a custom inner loop"
    for cell in _cells(layer):
        if type(cell) not in (layers.GRUCell, layers.LSTMCell, layers.SimpleRNNCell):
            return f"has a cell of type {type(cell).__name__}"
        for activation in _activations(cell):
            if _onnx_activation(activation) is None:
                name = getattr(activation, "__name__", repr(activation))
                return f"has the activation {name}"
        if cell.compute_dtype != "float32":
            return f"computes in {cell.compute_dtype}"
    return None


def _cells(layer: Any) -> Sequence[Any]:
    cell = layer.cell
    return cell.cells if type(cell) is keras.layers.StackedRNNCells else [cell]


def _activations(cell: Any) -> list[Any]:
    """The activations of a cell in ONNX's order."""
    if type(cell) is keras.layers.GRUCell:
        return [cell.recurrent_activation, cell.activation]
    if type(cell) is keras.layers.LSTMCell:
        return [cell.recurrent_activation, cell.activation, cell.activation]
    return [cell.activation]


def _onnx_activation(function: Any) -> tuple[str, float | None, float | None] | None:
    """The ONNX name, alpha and beta of a Keras activation; ``None`` if ONNX does not have it."""
    known = keras.activations
    table: list[tuple[Any, tuple[str, float | None, float | None]]] = [
        (known.tanh, ("Tanh", None, None)),
        (known.sigmoid, ("Sigmoid", None, None)),
        (known.relu, ("Relu", None, None)),
        (known.softsign, ("Softsign", None, None)),
        (known.softplus, ("Softplus", None, None)),
        (known.linear, ("Affine", 1.0, 0.0)),
        (known.hard_sigmoid, ("HardSigmoid", 1 / 6, 0.5)),
        (known.leaky_relu, ("LeakyRelu", 0.2, None)),
        (known.elu, ("Elu", 1.0, None)),
    ]
    return next((onnx for keras_function, onnx in table if keras_function is function), None)


def _inner_loop(
    trace: _Trace,
    layer: Any,
    sequences: Any,
    initial_state: Any,
    mask: Any,
    training: bool = False,
) -> tuple[Any, Any, Any]:
    """Replace ``RNN.inner_loop``; return the last output, all outputs and the final states."""
    del training  # only inference is exported
    if not keras.tree.is_nested(initial_state):
        initial_state = [initial_state]
    states = keras.tree.flatten(initial_state)
    if keras.tree.is_nested(mask):
        mask = mask[0]
    if mask is None:
        last, outputs, states = _unmasked(layer, sequences, states)
    else:
        last, outputs, states = _masked(trace, layer, sequences, states, mask)
    if outputs is None:
        outputs = tf.expand_dims(last, 1)
    return last, outputs, keras.tree.pack_sequence_as(initial_state, states)


def _unmasked(layer: Any, x: Any, states: list[Any]) -> tuple[Any, Any, list[Any]]:
    y, last, states = _run_cells(layer, x, states, reverse=layer.go_backwards)
    if not layer.return_sequences:
        return last, None, states
    # A reversed node returns outputs in the order of time, Keras in the order of its steps.
    return last, y[:, ::-1] if layer.go_backwards else y, states


def _masked(
    trace: _Trace, layer: Any, x: Any, states: list[Any], mask: Any
) -> tuple[Any, Any, list[Any]]:
    """Run the unmasked steps, moved to the front in the order of the loop, and move them back."""
    backwards = layer.go_backwards
    known = trace.masks.of_mask(mask)
    # The unmasked steps are at the front already.
    in_place = known is not None and not backwards
    mask = tf.cast(mask, tf.bool)
    if mask.shape.rank == 3:
        mask = tf.squeeze(mask, 2)
    count = known.count if known else tf.reduce_sum(tf.cast(mask, tf.int64), axis=1)
    # ONNX Runtime loses the initial state of a row with length 0.
    lengths = tf.maximum(count, 1)
    x = x if in_place else tf.gather(x, _order(mask, backwards), batch_dims=1)
    if not trace.sequence_lens:
        _check_states(layer)
    y, last, new_states = _run_cells(
        layer, x, states, lengths=lengths, pass_lengths=trace.sequence_lens
    )
    seen = tf.expand_dims(count > 0, 1)
    new_states = [tf.where(seen, n, old) for n, old in zip(new_states, states, strict=True)]
    if layer.zero_output_for_mask:
        seen = mask[:, :1] if backwards else mask[:, -1:]
    last = tf.where(seen, last, 0.0)
    if not layer.return_sequences:
        return last, None, new_states
    position = tf.cumsum(tf.cast(mask, tf.int32), axis=1, reverse=backwards) - 1
    if backwards:
        mask, position = mask[:, ::-1], position[:, ::-1]
    y = tf.gather(y, tf.maximum(position, 0), batch_dims=1)
    shown = mask if layer.zero_output_for_mask else position >= 0
    return last, tf.where(tf.expand_dims(shown, 2), y, 0.0), new_states


def _order(mask: Any, backwards: bool) -> Any:
    """The indices of the unmasked steps in the order of the loop, followed by the others."""
    time = tf.shape(mask)[1]
    steps = tf.range(time)
    # Unmasked steps get the highest keys, in descending order of the loop.
    keys = (
        tf.where(mask, steps, steps - time) if backwards else tf.where(mask, time - steps, -steps)
    )
    return tf.math.top_k(tf.cast(keys, tf.float32), k=time).indices


def _check_states(layer: Any) -> None:
    """Check that the outputs of a layer are enough to know its final states.

    Raises:
        ValueError: they are not.
    """
    if layer.return_state and any(type(cell) is keras.layers.LSTMCell for cell in _cells(layer)):
        raise ValueError(
            f"{layer.name!r} returns the cell state of an LSTM, and is masked. This needs "
            "sequence_lens=True."
        )


def _run_cells(
    layer: Any,
    x: Any,
    states: list[Any],
    *,
    reverse: bool = False,
    lengths: Any = None,
    pass_lengths: bool = True,
) -> tuple[Any, Any, list[Any]]:
    """Return all outputs in the order of time, the last output, and the final states."""
    final: list[Any] = []
    for cell in _cells(layer):
        count = 2 if type(cell) is keras.layers.LSTMCell else 1
        start = states[len(final) : len(final) + count]
        passed = tf.cast(lengths, tf.int32) if pass_lengths and lengths is not None else None
        x, *new = _mark(layer.name, cell, x, start, reverse, passed)
        if lengths is not None:
            # The output of all three cells is their first state. OpenVINO continues past the
            # lengths, so only the outputs at the lengths are equal in every runtime.
            new[0] = tf.gather(x, lengths - 1, batch_dims=1)
        last = new[0]
        final += new
    return x, last, final


def _mark(
    name: str, cell: Any, x: Any, states: list[Any], reverse: bool, lengths: Any
) -> list[Any]:
    found = [_onnx_activation(function) for function in _activations(cell)]
    activations = [entry for entry in found if entry is not None]
    marker = Marker(
        layer=name,
        op={"GRUCell": "GRU", "LSTMCell": "LSTM"}.get(type(cell).__name__, "RNN"),
        units=cell.units,
        activations=[name for name, _, _ in activations],
        alpha=[alpha for _, alpha, _ in activations if alpha is not None],
        beta=[beta for _, _, beta in activations if beta is not None],
        reset_after=bool(getattr(cell, "reset_after", False)),
        reverse=reverse,
        has_lengths=lengths is not None,
        has_bias=bool(cell.use_bias),
    )
    weights = [cell.kernel, cell.recurrent_kernel, *([cell.bias] if cell.use_bias else [])]
    inputs = [x, *states, *([] if lengths is None else [lengths]), *weights]
    outputs = tf.raw_ops.PyFunc(
        input=[tf.convert_to_tensor(tensor) for tensor in inputs],
        token=marker.token(),
        Tout=[tf.float32] * (1 + len(states)),
    )
    shape = [x.shape[0], x.shape[1], cell.units]
    y = tf.ensure_shape(outputs[0], shape)
    return [y, *(tf.ensure_shape(state, [shape[0], cell.units]) for state in outputs[1:])]
