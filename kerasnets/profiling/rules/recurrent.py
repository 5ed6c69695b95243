"""Recurrent layers: the cell gate by gate, times the steps."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, elementwise, sum_of_products
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.rules.activations import activation_ops
from kerasnets.profiling.sizes import Size, Steps, sum_term


def _gate(layer: Any, inputs: Size, name: str) -> Op:
    """W · x + U · h + b for every unit: inputs + units products summed onto the bias."""
    return sum_of_products(
        "dense",
        (layer.units,),
        (sum_term(inputs, layer.units),),
        bias=layer.use_bias,
        label=f"{name} W·x + U·h + b" if layer.use_bias else f"{name} W·x + U·h",
    )


@rule("SimpleRNNCell")
def simple_cell(layer: Any, call: Call) -> list[Op]:
    """H = activation(W·x + U·h + b)."""
    unit = (layer.units,)
    return [
        _gate(layer, call.input[-1], "state"),
        *activation_ops(layer.activation, unit, "dense", "state"),
    ]


@rule("GRUCell")
def gru_cell(layer: Any, call: Call) -> list[Op]:
    """Update gate z, reset gate r, candidate c, then h = (1 − z)·c + z·h.

    With ``reset_after`` and biases there are two bias vectors, the second one addition more
    for each of the three; the reset is one product for each unit either way.
    """
    unit = (layer.units,)
    second = []
    if layer.reset_after and layer.use_bias:
        second = [elementwise("bias", (3, layer.units), "second bias vector", additions=1)]
    return [
        _gate(layer, call.input[-1], "update gate"),
        *activation_ops(layer.recurrent_activation, unit, "dense", "update gate"),
        _gate(layer, call.input[-1], "reset gate"),
        *activation_ops(layer.recurrent_activation, unit, "dense", "reset gate"),
        _gate(layer, call.input[-1], "candidate"),
        elementwise("reset", unit, "reset r · h", multiplications=1),
        *activation_ops(layer.activation, unit, "dense", "candidate"),
        *second,
        elementwise("state", unit, "(1 − z)·c + z·h", additions=2, multiplications=2),
    ]


@rule("LSTMCell")
def lstm_cell(layer: Any, call: Call) -> list[Op]:
    """Gates i, f, o and candidate g, then c = f·c + i·g and h = o · activation(c)."""
    unit = (layer.units,)
    steps = []
    for name in ("input gate", "forget gate", "output gate", "candidate"):
        activation = layer.activation if name == "candidate" else layer.recurrent_activation
        steps += [
            _gate(layer, call.input[-1], name),
            *activation_ops(activation, unit, "dense", name),
        ]
    return [
        *steps,
        elementwise("state", unit, "f·c + i·g", additions=1, multiplications=2),
        *activation_ops(layer.activation, unit, "", "cell state"),
        elementwise("state", unit, "o · activation(c)", multiplications=1),
    ]


@rule("RNN", "SimpleRNN", "GRU", "LSTM")
def recurrent(layer: Any, call: Call) -> list[Op]:
    """The cell once for each step of the padded time."""
    cell = call.inner(layer.cell, [(call.input[0], *call.input[2:])])
    return [op.times(Steps(call.input[1])) for op in cell]


@rule("Bidirectional")
def bidirectional(layer: Any, call: Call) -> list[Op]:
    """Both directions, and what merges them: nothing for concat, one operation for each output."""
    forward = call.inner(layer.forward_layer, call.inputs)
    backward = call.inner(layer.backward_layer, call.inputs)
    ops = [op.labelled("forward") for op in forward] + [op.labelled("backward") for op in backward]
    outputs = call.sample(call.output)
    if layer.merge_mode == "sum":
        ops.append(elementwise("merge", outputs, "sum of directions", additions=1))
    elif layer.merge_mode == "ave":
        ops.append(elementwise("merge", outputs, "mean of directions", additions=1, divisions=1))
    elif layer.merge_mode == "mul":
        ops.append(elementwise("merge", outputs, "product of directions", multiplications=1))
    return ops
