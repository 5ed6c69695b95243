"""Guards in an ONNX graph against values that runtimes do not check.

A GRU returns plausible numbers for NaN, and many nets for a wrong ``length``. So the graph itself
marks such rows:

- NaN or infinity: all floating-point outputs of the row become NaN. The flag of a row is the sum
  of its values times zero: 0 if they are finite, and NaN if not. Steps after the ``length`` of a
  sequence are padding and may hold any value. If the model masks them itself with ``LengthMask``,
  the flag comes from the masked sequence, as in :mod:`kerasnets.exporting.onnx.length_masks`.
- A ``length`` that is negative or larger than the number of steps: the outputs of the row become
  NaN. If there are fewer or more lengths than rows, the runtime returns an error.
- No rows: in a reduction of nothing, ONNX Runtime does not reduce axes that are counted from the
  end, so they are counted from the start. ONNX Runtime ends the process for a recurrent node. So a
  row is added to the inputs, and removed where the flags, which have no rows, are added to the
  outputs. Large inputs are not copied for this; then each recurrent node has a guard of its own, in
  :mod:`kerasnets.exporting.onnx.row_guard`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from kerasnets.exporting.onnx.graph import PREFIX, Graph, all_nodes
from kerasnets.exporting.onnx.length_masks import SUM
from kerasnets.exporting.signature import Served, TensorInfo

_RECURRENT = ("GRU", "LSTM", "RNN")
# The number of values per row from which inputs are not copied to add a row.
_LARGE = 10_000


def add_guards(proto: onnx.ModelProto, served: Served) -> None:
    """Add the guards to a converted model.

    Args:
        proto: the model. It is changed in place.
        served: its signature. Every output must have one row per row of the inputs.
    """
    graph = Graph(proto)
    sums = graph.pop_outputs(SUM)
    flag = _row_flag(graph, served.inputs, sums)
    if flag is not None:
        _mark_outputs(graph, served.outputs, flag)
        recurrent = any(node.op_type in _RECURRENT for node in all_nodes(graph.proto))
        if recurrent and pads_inputs(served):
            for info in served.inputs:
                graph.replace_input(info.name, _with_a_row(graph, info))
        graph.insert()
    _count_axes_from_the_start(graph)


def pads_inputs(served: Served) -> bool:
    """Whether the guards add a row to the inputs if there are no rows.

    All outputs must have flags, which remove the row.
    """
    sizes = [math.prod(axis or _LARGE for axis in info.shape[1:]) for info in served.inputs]
    floats = {info.dtype for info in (*served.inputs, *served.outputs)} == {"float32"}
    return floats and sum(sizes) < _LARGE


def _with_a_row(graph: Graph, info: TensorInfo) -> str:
    """An input with a row of zeros if it has no rows."""
    missing = graph.add("Equal", graph.sizes(info.name, 0, 1), graph.constant([0]))
    # The padding at the start of every axis, then at the end of every axis.
    none = np.zeros(2 * len(info.shape), "int64")
    one = none.copy()
    one[len(info.shape)] = 1
    pads = graph.add("Where", missing, graph.constant(one), graph.constant(none))
    return graph.add("Pad", info.name, pads)


def _row_flag(graph: Graph, inputs: Sequence[TensorInfo], sums: Mapping[str, str]) -> str | None:
    """A tensor ``(batch, 1)``: 0 for valid rows, NaN for others; ``None`` if all are valid.

    Args:
        graph: the graph.
        inputs: its inputs.
        sums: for some sequences, a tensor ``(batch,)`` that is finite for valid rows only.
    """
    sequences = [info for info in inputs if info.is_sequence]
    length = next((info.name for info in inputs if info.is_length), None)
    column = None
    if length is not None and sequences:
        # An error if the number of lengths is not the number of rows.
        rows = graph.add("Reshape", length, graph.sizes(sequences[0].name, 0, 1))
        graph.replace_input(length, rows)
        if not {info.name for info in sequences} <= set(sums):
            integers = graph.add("Cast", rows, to=onnx.TensorProto.INT64)
            column = graph.add("Unsqueeze", integers, graph.constant([1]))
    flags = [
        _sum_flag(graph, sums[info.name])
        if info.name in sums
        else _value_flag(graph, info, column if info.is_sequence else None)
        for info in inputs
        if info.dtype == "float32"
    ]
    while len(flags) > 1:
        flags[-2:] = [graph.add("Add", *flags[-2:])]
    if column is not None:
        inside = graph.add("Clip", column, graph.constant(0), graph.steps(sequences[0].name))
        inside = graph.add("Equal", inside, column)
        flag = flags[0] if flags else graph.constant(0, "float32")
        return graph.add("Where", inside, flag, graph.constant(np.nan, "float32"))
    return flags[0] if flags else None


def _sum_flag(graph: Graph, total: str) -> str:
    """The flag ``(batch, 1)`` of a sequence whose valid rows have a finite sum."""
    total = graph.add("Unsqueeze", total, graph.constant([1]))
    return graph.add("Mul", total, graph.constant(0, "float32"))


def _value_flag(graph: Graph, info: TensorInfo, lengths: str | None) -> str:
    """The flag ``(batch, 1)`` of the values of one input."""
    rank = len(info.shape)
    if lengths is None and None not in info.shape[1:]:
        size = math.prod(axis or 0 for axis in info.shape[1:])
        return graph.add("Reshape", _sums(graph, info.name, size, rank), graph.constant([-1, 1]))
    flag, axes = _step_sums(graph, info)
    if lengths is None:
        return _sum_axes(graph, flag, axes)
    if axes > 2:
        flag = graph.add("ReduceSum", flag, graph.constant(range(2, axes)), keepdims=0)
    steps = graph.add("Range", graph.constant(0), graph.steps(info.name), graph.constant(1))
    valid = graph.add("Less", steps, lengths)
    flag = graph.add("Where", valid, flag, graph.constant(0, "float32"))
    return _sum_axes(graph, flag, 2)


def _sums(graph: Graph, x: str, size: int, rank: int) -> str:
    """The sums of rows of ``size`` values times zero, shape ``(1, rows)``.

    ONNX Runtime computes this product several times faster than one with a column of zeros.
    """
    if rank != 2:
        x = graph.add("Reshape", x, graph.constant([-1, size]))
    return graph.add("Gemm", graph.zeros(1, size), x, transB=1)


def _step_sums(graph: Graph, info: TensorInfo) -> tuple[str, int]:
    """The sums of the last axis times zero, shape ``(batch, steps, …)``, and their rank."""
    rank, size = len(info.shape), info.shape[-1]
    if rank == 2 or size is None:  # the values themselves
        return graph.add("Mul", info.name, graph.constant(0, "float32")), rank
    if graph.opset < 14:  # Reshape cannot make an axis without elements
        product = graph.add("MatMul", info.name, graph.zeros(size, 1))
        return graph.add("Squeeze", product, graph.constant([-1])), rank - 1
    sums, leading = _sums(graph, info.name, size, rank), graph.sizes(info.name, 0, rank - 1)
    return graph.add("Reshape", sums, leading, allowzero=1), rank - 1


def _sum_axes(graph: Graph, flag: str, rank: int) -> str:
    """The sum over all axes but the first, shape ``(batch, 1)``."""
    if rank > 2:
        flag = graph.add("ReduceSum", flag, graph.constant(range(2, rank)), keepdims=0)
    return graph.add("ReduceSum", flag, graph.constant([1]), keepdims=1)


def _mark_outputs(graph: Graph, outputs: Sequence[TensorInfo], flag: str) -> None:
    """Add the flag to every floating-point output, directly after the node that computes it."""
    nodes = graph.proto.node
    producers = {name: index for index, node in enumerate(nodes) for name in node.output}
    marked = {info.name for info in outputs if info.dtype == "float32"}
    additions = {}
    for info in outputs:
        index = producers[info.name]
        # A softmax or sigmoid of marked logits is marked, too.
        if info.name not in marked or set(nodes[index].input) & marked:
            continue
        unmarked = f"{PREFIX}{info.name}_unmarked"
        names = [unmarked if name == info.name else name for name in nodes[index].output]
        nodes[index].output[:] = names
        column = _with_rank(graph, flag, len(info.shape))
        additions[index] = graph.node("Add", [unmarked, column], info.name)
    for index in sorted(additions, reverse=True):
        nodes.insert(index + 1, additions[index])


def _with_rank(graph: Graph, flag: str, rank: int) -> str:
    """The flag with another number of axes, for broadcasting."""
    if rank == 1:
        return graph.add("Squeeze", flag, graph.constant([1]))
    return flag if rank == 2 else graph.add("Unsqueeze", flag, graph.constant(range(2, rank)))


def _count_axes_from_the_start(graph: Graph) -> None:
    """Replace negative axes of reductions, whose tensors have known ranks."""
    ranks = None
    constants = {tensor.name: tensor for tensor in graph.proto.initializer}
    for node in graph.proto.node:
        if not node.op_type.startswith("Reduce"):
            continue
        listed = [attribute for attribute in node.attribute if attribute.name == "axes"]
        if listed:
            axes = list(listed[0].ints)
        elif len(node.input) > 1 and node.input[1] in constants:
            axes = onnx.numpy_helper.to_array(constants[node.input[1]]).tolist()
        else:
            continue
        if min(axes, default=0) >= 0:
            continue
        ranks = _ranks(graph.model) if ranks is None else ranks
        if node.input[0] not in ranks:
            continue
        axes = [axis % ranks[node.input[0]] for axis in axes]
        if listed:
            listed[0].ints[:] = axes
        else:
            node.input[1] = graph.constant(axes)


def _ranks(proto: onnx.ModelProto) -> dict[str, int]:
    """The number of axes of each tensor, as far as it is known."""
    graph = onnx.shape_inference.infer_shapes(proto).graph
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
        if value.type.tensor_type.HasField("shape")
    }
