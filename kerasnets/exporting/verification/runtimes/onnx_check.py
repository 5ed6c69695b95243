"""Find what ONNX Runtime must not run in an ONNX file: unknown operators, other files, loops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DOMAINS = ("", "ai.onnx")
_LOOPS = ("Loop", "Scan")


def onnx_failures(path: Path, allow_loops: bool) -> Iterator[str]:
    """The reasons not to run an ONNX file.

    The standard operators of ONNX compute their outputs from their inputs, and have no access to
    files or the network. Others may have, such as ``com.microsoft.EPContext``.

    Args:
        path: the file.
        allow_loops: whether the card allows loops.
    """
    import onnx

    model = onnx.load(path, load_external_data=False)
    functions = {(function.domain, function.name) for function in model.functions}
    for graph in (model.graph, *model.functions):
        for part in _graphs(graph):
            for tensor in _tensors(part):
                if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
                    yield f"tensor {tensor.name!r} is in another file, which is not allowed"
            for node in part.node:
                operator = f"{node.domain}.{node.op_type}".strip(".")
                if (node.domain, node.op_type) in functions:
                    continue
                if node.domain not in _DOMAINS or not onnx.defs.has(node.op_type):
                    yield f"node {node.name!r} has the operator {operator}, not one of ONNX"
                if node.op_type in _LOOPS and not allow_loops:
                    yield f"node {node.name!r} is a {operator}, which the card does not allow"


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph or function, and the graphs in the attributes of its nodes."""
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        for node in current.node:
            for attribute in node.attribute:
                waiting += [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _tensors(graph: Any) -> Iterator[Any]:
    """The constants of a graph or function."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
