"""Recurrent layers: the gates of the cell, times the number of steps."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, elementwise, sum_of_products
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.rules.activations import activation_ops
from kerasnets.profiling.rules.windows import channels_last
from kerasnets.profiling.shapes import conv_output_length
from kerasnets.profiling.sizes import Shape, Size, Steps, product, sum_term


def _gate(layer: Any, inputs: Size, name: str) -> Op:
    """The sum W·x + U·h + b: inputs + units products per unit, plus the bias."""
    return sum_of_products(
        "dense",
        (layer.units,),
        (sum_term(inputs, layer.units),),
        bias=layer.use_bias,
        label=f"{name} W·x + U·h{' + b' if layer.use_bias else ''}".strip(),
    )


@rule("SimpleRNNCell")
def simple_cell(layer: Any, call: Call) -> list[Op]:
    """The state h = activation(W·x + U·h + b)."""
    unit = (layer.units,)
    return [
        _gate(layer, call.input[-1], "state"),
        *activation_ops(layer.activation, call, unit, "dense", "state"),
    ]


@rule("GRUCell")
def gru_cell(layer: Any, call: Call) -> list[Op]:
    """Update gate z, reset gate r, candidate c, then h = (1 − z)·c + z·h.

    With ``reset_after`` and biases there are two bias vectors; the second one takes one addition
    per unit for each of z, r and c. The reset is one product per unit in both variants.
    """
    unit = (layer.units,)
    second = []
    if layer.reset_after and layer.use_bias:
        second = [elementwise("bias", (3, layer.units), "second bias vector", additions=1)]
    return [
        _gate(layer, call.input[-1], "update gate"),
        *activation_ops(layer.recurrent_activation, call, unit, "dense", "update gate"),
        _gate(layer, call.input[-1], "reset gate"),
        *activation_ops(layer.recurrent_activation, call, unit, "dense", "reset gate"),
        _gate(layer, call.input[-1], "candidate"),
        elementwise("reset", unit, "reset r · h", multiplications=1),
        *activation_ops(layer.activation, call, unit, "dense", "candidate"),
        *second,
        elementwise("state", unit, "(1 − z)·c + z·h", additions=2, multiplications=2),
    ]


@rule("LSTMCell")
def lstm_cell(layer: Any, call: Call) -> list[Op]:
    """Gates i, f, o and candidate g, then c = f·c + i·g and h = o · activation(c)."""
    return _lstm(layer, call, _gate(layer, call.input[-1], ""), (layer.units,))


def _lstm(layer: Any, call: Call, gate: Op, outputs: Shape) -> list[Op]:
    """The steps of an LSTM; ``gate`` is the sum of products of a single gate."""
    ops = []
    for name in ("input gate", "forget gate", "output gate", "candidate"):
        activation = layer.activation if name == "candidate" else layer.recurrent_activation
        ops += [gate.labelled(name), *activation_ops(activation, call, outputs, gate.kind, name)]
    return [
        *ops,
        elementwise("state", outputs, "f·c + i·g", additions=1, multiplications=2),
        *activation_ops(layer.activation, call, outputs, "", "cell state"),
        elementwise("state", outputs, "o · activation(c)", multiplications=1),
    ]


@rule("StackedRNNCells")
def stacked_cells(layer: Any, call: Call) -> list[Op]:
    """The cells, one after another."""
    ops, shape = [], call.input
    for number, cell in enumerate(layer.cells, start=1):
        ops += [op.labelled(f"cell {number}:") for op in call.inner(cell, [shape])]
        sizes = getattr(cell, "output_size", None) or cell.state_size
        shape = (1, sizes[0] if isinstance(sizes, list | tuple) else sizes)
    return ops


@rule("RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def recurrent(layer: Any, call: Call) -> list[Op]:
    """The cell, once per time step, including padded steps."""
    steps = Steps(call.input[1])
    return [op.times(steps) for op in call.inner(layer.cell, [(1, *call.input[2:])])]


@rule("ConvLSTMCell")
def conv_lstm_cell(layer: Any, call: Call) -> list[Op]:
    """An LSTM with convolutions as products; the one of the state has stride 1 and same padding."""
    *sides, channels = channels_last(call.input, layer.data_format)
    windows = zip(sides, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    positions = tuple(conv_output_length(*window, layer.padding) for window in windows)
    outputs = (*positions, layer.filters)
    size = product(layer.kernel_size)
    gate = sum_of_products(
        "convolution",
        outputs,
        (sum_term(size * channels, size * layer.filters),),
        bias=layer.use_bias,
        window=layer.kernel_size,
    )
    return _lstm(layer, call, gate, outputs)


@rule("TimeDistributed")
def time_distributed(layer: Any, call: Call) -> list[Op]:
    """The wrapped layer, once per step."""
    shapes = [(1, *shape[2:]) for shape in (call.input, call.output)]
    return [op.times(call.input[1]) for op in call.inner(layer.layer, shapes[:1], shapes[1:])]


@rule("Bidirectional")
def bidirectional(layer: Any, call: Call) -> list[Op]:
    """Both directions and their merge: nothing for concat, else one operation per output.

    The average also takes a division per output.
    """
    ops = []
    for name, direction in (("forward", layer.forward_layer), ("backward", layer.backward_layer)):
        ops += [op.labelled(f"{name}:") for op in call.inner(direction, call.inputs[:1])]
    outputs = call.sample(call.output)
    merge: dict[str, dict[str, Size]] = {
        "sum": {"additions": 1},
        "ave": {"additions": 1, "divisions": 1},
        "mul": {"multiplications": 1},
    }
    if layer.merge_mode in merge:
        label = f"{layer.merge_mode} of both directions"
        ops.append(elementwise("merge", outputs, label, **merge[layer.merge_mode]))
    return ops
