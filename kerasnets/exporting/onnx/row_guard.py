"""Let a recurrent node run without rows: ONNX Runtime would end the process.

If there are no rows, one is added to the inputs of the node, and removed from its outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto


class RowGuard:
    """Adds the nodes for one recurrent node.

    Args:
        graph: the graph of tf2onnx.
        sequences: the tensor ``(rows, time, features)`` that has the number of rows.
    """

    def __init__(self, graph: Any, sequences: str) -> None:
        self._graph = graph
        self._zero, self._one = self._constant([0]), self._constant([1])
        # Not Shape with start and end: tf2onnx would merge it with another Shape of this tensor.
        shape = self._make("Shape", [sequences])
        self._rows = self._make("Slice", [shape, self._zero, self._one])

    def keep_one(self, tensor: str, row: np.ndarray, axis: int) -> str:
        """Add a row to a tensor if there are no rows.

        Args:
            tensor: the tensor.
            row: the row, which has as many axes as the tensor.
            axis: the axis of the rows.
        """
        axes = self._constant([axis])
        # Empty if there are rows already.
        missing = self._make("Slice", [self._constant(row), self._rows, self._one, axes])
        return self._make("Concat", [tensor, missing], axis=axis)

    def keep_one_in_sequences(self, x: str, time: int, features: int) -> str:
        """Add a row of zeros to sequences ``(time, rows, features)`` if there are no rows.

        Args:
            x: the sequences.
            time: the number of steps; -1 if it is not known.
            features: the number of features.
        """
        if time > 0:
            return self.keep_one(x, np.zeros((time, 1, features), "float32"), 1)
        missing = self._make("Equal", [self._rows, self._zero])
        missing = self._make("Cast", [missing], to=TensorProto.INT64)
        # The padding at the start of the three axes, then at their ends.
        pads = self._make("Mul", [missing, self._constant([0, 0, 0, 0, 1, 0])])
        return self._make("Pad", [x, pads])

    def remove(self, tensor: str, axis: int) -> str:
        """Remove the row that was added."""
        return self._make("Slice", [tensor, self._zero, self._rows, self._constant([axis])])

    def _make(self, op: str, inputs: list[str], **attributes: Any) -> str:
        return str(self._graph.make_node(op, inputs, attr=attributes).output[0])

    def _constant(self, value: Any) -> str:
        from tf2onnx.utils import make_name

        return str(self._graph.make_const(make_name("row_guard"), np.asarray(value)).output[0])
