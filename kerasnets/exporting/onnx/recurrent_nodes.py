"""Convert the markers of traced recurrent cells to native ONNX nodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from kerasnets.exporting.onnx.row_guard import RowGuard

_PREFIX = "kerasnets recurrent cell "

# The position in Keras of each ONNX gate. GRU: z r h in both. LSTM: i o f c from i f c o.
_GATES = {"GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2), "RNN": (0,)}


@dataclass(frozen=True)
class Marker:
    """The settings of a cell that its ONNX node needs in addition to the tensors.

    The inputs of a marker operation are, in order: the sequences ``(batch, time, features)``, the
    states ``(batch, units)``, optionally the lengths ``(batch,)``, the kernel, the recurrent
    kernel, and optionally the bias. Its outputs are all outputs ``(batch, time, units)`` and the
    final states.

    Attributes:
        layer: the name of the layer, for messages and node names.
        op: ``"GRU"``, ``"LSTM"`` or ``"RNN"``.
        units: the number of units.
        activations: the ONNX names of the activations, in ONNX's order.
        alpha: the first parameter of each activation that has one.
        beta: the second parameter of each activation that has one.
        reset_after: whether a GRU applies the reset gate after the matrix product.
        reverse: whether the cell runs from the last step to the first.
        has_lengths: whether the lengths are an input.
        has_bias: whether the bias is an input.
    """

    layer: str
    op: str
    units: int
    activations: list[str]
    alpha: list[float]
    beta: list[float]
    reset_after: bool
    reverse: bool
    has_lengths: bool
    has_bias: bool

    def token(self) -> str:
        """The marker as a string attribute of an operation."""
        return _PREFIX + json.dumps(asdict(self))

    @classmethod
    def parse(cls, token: str) -> Marker | None:
        """The marker that :meth:`token` encoded, or ``None`` for any other string."""
        if not token.startswith(_PREFIX):
            return None
        return cls(**json.loads(token.removeprefix(_PREFIX)))

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the ONNX node."""
        attributes: dict[str, Any] = {
            "hidden_size": self.units,
            "direction": "reverse" if self.reverse else "forward",
            "activations": self.activations,
        }
        if self.alpha:
            attributes["activation_alpha"] = self.alpha
        if self.beta:
            attributes["activation_beta"] = self.beta
        if self.op == "GRU":
            attributes["linear_before_reset"] = int(self.reset_after)
        return attributes


class MarkerHandler:
    """A custom handler of tf2onnx that converts markers to nodes.

    tf2onnx ignores exceptions of its handlers and keeps the operation, so they are recorded.

    Args:
        guard_rows: whether each node is guarded against inputs without rows.

    Attributes:
        errors: the exceptions raised during conversion.
    """

    def __init__(self, *, guard_rows: bool = True) -> None:
        self._guard_rows = guard_rows
        self.errors: list[Exception] = []

    def __call__(self, graph: Any, node: Any, name: str, arguments: object) -> None:
        """Replace one marker; tf2onnx calls this for each ``PyFunc``."""
        del name, arguments
        marker = Marker.parse(node.get_attr_str("token"))
        if marker is None:
            return  # a Python function of the user; write_onnx raises an error that names it
        try:
            _replace(graph, node, marker, self._guard_rows)
        except Exception as error:
            self.errors.append(error)
            raise


def _replace(graph: Any, node: Any, marker: Marker, guard_rows: bool) -> None:
    outputs = list(node.output)
    sequences, *rest = node.input
    count = len(outputs) - 1
    states, rest = rest[:count], rest[count:]
    lengths = [rest.pop(0)] if marker.has_lengths else []
    weights = [_constant(graph, tensor, marker) for tensor in rest]
    graph.remove_node(node.name)

    batch, time = (graph.get_shape(sequences) or [-1, -1])[:2]
    shapes = {
        "y": [time, 1, batch, marker.units],
        "state": [1, batch, marker.units],
    }
    rows = RowGuard(graph, sequences, needed=guard_rows)
    x = rows.keep_one(sequences, axis=0, rank=3)
    inputs = [
        _make(graph, "Transpose", [x], attr={"perm": [1, 0, 2]}),
        *_onnx_weights(graph, marker, weights),
        *([rows.keep_one(length, 0, 1, np.int32(1)) for length in lengths] or [""]),
        *(_initial(graph, state, shapes["state"], rows) for state in states),
    ]
    while not inputs[-1]:
        inputs.pop()
    cell = graph.make_node(
        marker.op,
        inputs,
        attr=marker.attributes,
        output_count=1 + count,
        shapes=[shapes["y"], *[shapes["state"]] * count],
        dtypes=[TensorProto.FLOAT] * (1 + count),
        op_name_scope=marker.layer,
    )
    time_major = _make(graph, "Squeeze", [rows.remove(cell.output[0], 2), _axes(graph, 1)])
    _make(
        graph,
        "Transpose",
        [time_major],
        attr={"perm": [1, 0, 2]},
        outputs=outputs[:1],
        shapes=[[batch, time, marker.units]],
        dtypes=[TensorProto.FLOAT],
    )
    for state, output in zip(cell.output[1:], outputs[1:], strict=True):
        _make(
            graph,
            "Squeeze",
            [rows.remove(state, 1), _axes(graph, 0)],
            outputs=[output],
            shapes=[[batch, marker.units]],
            dtypes=[TensorProto.FLOAT],
        )


def _onnx_weights(graph: Any, marker: Marker, weights: Sequence[np.ndarray]) -> list[str]:
    """Add the constants W, R and B, with a direction axis and the gates in ONNX's order."""
    kernel, recurrent, *bias = weights

    def gates(array: np.ndarray) -> np.ndarray:
        parts = np.split(array, len(_GATES[marker.op]), axis=-1)
        return np.concatenate([parts[gate] for gate in _GATES[marker.op]], axis=-1)

    kernels = [_make_constant(graph, gates(matrix).T) for matrix in (kernel, recurrent)]
    if not bias:
        return [*kernels, ""]
    # Only a GRU with reset_after has a second bias, that of the recurrent kernel.
    rows = np.atleast_2d(bias[0])
    second = rows[1] if len(rows) == 2 else np.zeros_like(rows[0])
    return [*kernels, _make_constant(graph, np.concatenate([gates(rows[0]), gates(second)]))]


def _initial(graph: Any, state: str, shape: list[int], rows: RowGuard) -> str:
    """Add a direction axis to the initial state; return ``""`` if the state is zero."""
    node = graph.get_node_by_output(state)
    source = node.inputs[0] if node is not None and node.type == "Expand" else node
    if source is not None and source.is_const() and not source.get_tensor_value(False).any():
        return ""
    state = _make(
        graph,
        "Unsqueeze",
        [state, _axes(graph, 0)],
        shapes=[shape],
        dtypes=[TensorProto.FLOAT],
    )
    return rows.keep_one(state, axis=1, rank=3)


def _constant(graph: Any, tensor: str, marker: Marker) -> np.ndarray:
    node = graph.get_node_by_output(tensor)
    if node is None or not node.is_const():
        raise ValueError(
            f"the weights of {marker.layer!r} are computed from the inputs of the model, and an "
            f"ONNX {marker.op} node needs constant weights."
        )
    return np.asarray(node.get_tensor_value(as_list=False))


def _make(graph: Any, op: str, inputs: list[str], **arguments: Any) -> str:
    return str(graph.make_node(op, inputs, **arguments).output[0])


def _make_constant(graph: Any, array: np.ndarray) -> str:
    from tf2onnx.utils import make_name

    one_direction = np.ascontiguousarray(array[np.newaxis])
    return str(graph.make_const(make_name("recurrent_weights"), one_direction).output[0])


def _axes(graph: Any, axis: int) -> str:
    from tf2onnx.utils import make_name

    return str(graph.make_const(make_name("axes"), np.array([axis], "int64")).output[0])
