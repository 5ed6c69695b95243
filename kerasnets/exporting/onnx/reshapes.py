"""Let a reshape without rows keep its other sizes.

A reshape to ``(batch, -1, 8)`` finds the size for -1 from what is left. Without rows nothing is
left, so ONNX Runtime returns an error. Therefore the size is computed in the graph, from the axes
that are not empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

_PREFIX = "reshape/"


def keep_sizes_without_rows(proto: onnx.ModelProto) -> None:
    """Compute the size for -1 in every reshape in which it is not the size of the first axis.

    Args:
        proto: the model. It is changed in place.
    """
    graph = proto.graph
    constants = {x.name: onnx.numpy_helper.to_array(x) for x in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Reshape" and not _allows_zero(node):
            nodes += _computed_shape(_Nodes(graph, node), constants, producers)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _allows_zero(node: onnx.NodeProto) -> bool:
    return any(attribute.name == "allowzero" and attribute.i for attribute in node.attribute)


class _Nodes:
    """The nodes that compute the shape of one reshape."""

    def __init__(self, graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
        self.graph, self.reshape = graph, node
        self.added: list[onnx.NodeProto] = []

    def constant(self, values: Any) -> str:
        """Add a constant; return its name."""
        tensor = onnx.numpy_helper.from_array(np.asarray(values, "int64"), self._name("constant"))
        self.graph.initializer.append(tensor)
        return str(tensor.name)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = self._name(op)
        self.added.append(onnx.helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def _name(self, what: str) -> str:
        number = len(self.added) + len(self.graph.initializer)
        return f"{_PREFIX}{self.reshape.name}/{what}_{number}"


def _computed_shape(
    nodes: _Nodes, constants: Mapping[str, np.ndarray], producers: Mapping[str, onnx.NodeProto]
) -> list[onnx.NodeProto]:
    """Add what the reshape needs, if anything, and let it use the result."""
    x, asked = nodes.reshape.input
    if asked in constants:
        shape = constants[asked]
        if -1 not in shape or 0 not in shape:
            return []
        copied = np.flatnonzero(shape == 0)  # a constant 0 copies the size
        others = nodes.add(
            "ScatterElements",
            nodes.add("Shape", x),
            nodes.constant(copied),
            nodes.constant(np.ones_like(copied)),
        )
        known = nodes.constant([np.prod(shape[shape > 0], dtype="int64")])
    elif _has_unknown_size(asked, constants, producers):
        one = nodes.constant([1])  # for an axis without elements, and for -1 itself
        others = nodes.add("Max", nodes.add("Shape", x), one)
        known = nodes.add("ReduceProd", nodes.add("Max", asked, one), keepdims=1)
    else:
        return []
    left = nodes.add("Div", nodes.add("ReduceProd", others, keepdims=1), known)
    is_left = nodes.add("Equal", asked, nodes.constant([-1]))
    nodes.reshape.input[1] = nodes.add("Where", is_left, left, asked)
    return nodes.added


def _has_unknown_size(
    asked: str, constants: Mapping[str, np.ndarray], producers: Mapping[str, onnx.NodeProto]
) -> bool:
    """Whether a computed shape has a -1 that is not its first size."""
    node = producers.get(asked)
    while node is not None and node.op_type == "Cast":
        node = producers.get(node.input[0])
    if node is None or node.op_type != "Concat":
        return False
    sizes = [constants.get(name) for name in node.input]
    return any(
        part is not None and -1 in (part if index else part[1:]) for index, part in enumerate(sizes)
    )
