"""Let a recurrent node run without rows: ONNX Runtime would end the process.

If there are no rows, one is added to the inputs of the node, and removed from its outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class RowGuard:
    """Adds the nodes for one recurrent node.

    Args:
        graph: the graph of tf2onnx.
        sequences: the tensor ``(rows, time, features)`` that has the number of rows.
        needed: whether there can be no rows. If not, no nodes are added.
    """

    def __init__(self, graph: Any, sequences: str, *, needed: bool) -> None:
        self._graph, self._needed = graph, needed
        if not needed:
            return
        self._zero = self._constant([0])
        # Not Shape with start and end: tf2onnx would merge it with another Shape of this tensor.
        shape = self._make("Shape", [sequences])
        self._rows = self._make("Slice", [shape, self._zero, self._constant([1])])
        self._missing = self._make("Equal", [self._rows, self._zero])

    def keep_one(self, tensor: str, axis: int, rank: int, value: Any = None) -> str:
        """Add a row to a tensor if there are no rows.

        Args:
            tensor: the tensor.
            axis: the axis of the rows.
            rank: the number of axes.
            value: the value of the row. Default: zero, for a tensor of float32.
        """
        if not self._needed:
            return tensor
        # The padding at the start of every axis, then at the end of every axis.
        none = np.zeros(2 * rank, "int64")
        one = none.copy()
        one[rank + axis] = 1
        pads = self._make("Where", [self._missing, self._constant(one), self._constant(none)])
        fill = self._constant(np.float32(0) if value is None else value)
        return self._make("Pad", [tensor, pads, fill])

    def remove(self, tensor: str, axis: int) -> str:
        """Remove the row that was added."""
        if not self._needed:
            return tensor
        return self._make("Slice", [tensor, self._zero, self._rows, self._constant([axis])])

    def _make(self, op: str, inputs: list[str], **attributes: Any) -> str:
        return str(self._graph.make_node(op, inputs, attr=attributes).output[0])

    def _constant(self, value: Any) -> str:
        from tf2onnx.utils import make_name

        return str(self._graph.make_const(make_name("row_guard"), np.array(value)).output[0])
