"""Add nodes to a converted ONNX graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import onnx

PREFIX = "guard/"


class Graph:
    """A graph to which nodes are added."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.model, self.proto = proto, proto.graph
        self.opset = next(o.version for o in proto.opset_import if o.domain in ("", "ai.onnx"))
        self._added: list[onnx.NodeProto] = []
        self._steps: dict[str, str] = {}
        self._count = 0

    def node(self, op: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> Any:
        """Create a node without adding it."""
        self._count += 1
        name = f"{PREFIX}{op}_{self._count}"
        return onnx.helper.make_node(op, inputs, [output or f"{name}_output"], name, **attributes)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node that reads inputs of the graph or other added nodes; return its output."""
        node = self.node(op, inputs, **attributes)
        self._added.append(node)
        return str(node.output[0])

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """Add a constant; return its name."""
        self._count += 1
        name = f"{PREFIX}constant_{self._count}"
        tensor = onnx.numpy_helper.from_array(np.array(value, dtype), name)
        self.proto.initializer.append(tensor)
        return name

    def sizes(self, tensor: str, start: int, end: int) -> str:
        """The sizes of the axes from ``start`` to ``end``, shape ``(axes,)``."""
        if self.opset >= 15:
            return self.add("Shape", tensor, start=start, end=end)
        shape = self.add("Shape", tensor)
        return self.add("Slice", shape, self.constant([start]), self.constant([end]))

    def steps(self, tensor: str) -> str:
        """The number of steps of sequences, shape ``()``."""
        if tensor not in self._steps:
            size = self.sizes(tensor, 1, 2)
            self._steps[tensor] = self.add("Squeeze", size, self.constant([0]))
        return self._steps[tensor]

    def zeros(self, *shape: int) -> str:
        """Zeros, which are not stored in the file."""
        # tract needs their type.
        value = onnx.numpy_helper.from_array(np.zeros(1, "float32"))
        return self.add("ConstantOfShape", self.constant(shape), value=value)

    def pop_outputs(self, prefix: str) -> dict[str, str]:
        """Remove outputs whose names start with a prefix; return their names by the rest of it."""
        names = [value.name for value in self.proto.output]
        for index in reversed(range(len(names))):
            if names[index].startswith(prefix):
                del self.proto.output[index]
        return {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}

    def replace_input(self, name: str, new: str) -> None:
        """Let all nodes read another tensor, except those that were added."""
        for node in all_nodes(self.proto):
            node.input[:] = [new if tensor == name else tensor for tensor in node.input]

    def insert(self) -> None:
        """Insert the added nodes, each before the nodes that read its outputs."""
        nodes = [*self._added, *self.proto.node]
        self._added = []
        producers = {
            name: index for index, node in enumerate(nodes) for name in node.output if name
        }
        order = TopologicalSorter(
            {
                index: [producers[name] for name in _reads(node) if name in producers]
                for index, node in enumerate(nodes)
            }
        )
        nodes = [nodes[index] for index in order.static_order()]
        del self.proto.node[:]
        self.proto.node.extend(nodes)


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes of a graph, including those of graphs inside its nodes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from all_nodes(attribute.g)


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """The tensors that a node and the graphs inside it read."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _reads(inner)
