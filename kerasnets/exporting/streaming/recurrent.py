"""Rules for recurrent layers: their states are the states of the stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets._patching import patched
from kerasnets.exporting.streaming.chunk import Chunk, as_rows, with_shape
from kerasnets.exporting.streaming.flow import Flow, NotCausalError


def recur(
    layer: Any, flow: Flow, out: tuple[int | None, ...], add_state: Callable[..., str]
) -> tuple[Flow, Callable[..., Any]]:
    """Plan a recurrent layer.

    Args:
        layer: a ``GRU``, ``LSTM``, ``SimpleRNN`` or ``RNN``.
        flow: its input, a sequence.
        out: the shape of its output, without batch.
        add_state: adds a state and returns its name.

    Returns:
        The output, and a function that runs the layer on a chunk.

    Raises:
        NotCausalError: the layer runs backwards, or has states that a stream cannot carry.
    """
    for setting, reason in _REFUSED.items():
        if getattr(layer, setting, False):
            raise NotCausalError(reason)
    initial = layer.get_initial_state(batch_size=1)
    leaves = [np.asarray(value, "float32") for value in keras.tree.flatten(initial)]
    suffixes = _suffixes(layer, len(leaves))
    names = [add_state(*item) for item in zip(suffixes, leaves, strict=True)]
    result = Flow(out, flow.timing, is_sequence=layer.return_sequences)

    def run(chunk: Chunk, x: Any, *_: Any, **__: Any) -> Any:
        states = keras.tree.pack_sequence_as(initial, [chunk.state(name) for name in names])
        # A loop needs states whose number of rows is known as well as that of the sequences.
        x = with_shape(x, [chunk.state(names[0]).shape[0], None, *flow.features])
        with patched(*((layer, name, value) for name, value in _IN_STREAMS.items())):
            outputs, *new = layer(x, initial_state=states)
        for name, value in zip(names, keras.tree.flatten(new), strict=True):
            chunk.keep(name, value, flow.timing)
        return outputs if result.is_sequence else as_rows(outputs)

    return result, run


_REFUSED = {
    "go_backwards": "reads the sequence backwards",
    "stateful": "is stateful. Build it with stateful=False: the stream carries its state",
    "return_state": "returns its state. Build it with return_state=False",
}
_IN_STREAMS = {"return_sequences": True, "return_state": True, "unroll": False}


def _suffixes(layer: Any, count: int) -> list[str]:
    """The names of the states of a layer."""
    if count == 1:
        return ["state"]
    if isinstance(layer, keras.layers.LSTM):
        return ["state_h", "state_c"]
    return [f"state_{index}" for index in range(count)]
