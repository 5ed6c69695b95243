"""Write a model as an ONNX file, for ONNX Runtime, OpenVINO and Triton."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx

from kerasnets._lazy import tf
from kerasnets.exporting._logging import silenced
from kerasnets.exporting.onnx.graph import all_nodes
from kerasnets.exporting.onnx.guards import add_guards, pads_inputs
from kerasnets.exporting.onnx.operators import HANDLERS
from kerasnets.exporting.onnx.optimizers import one_copy
from kerasnets.exporting.onnx.recurrent_layers import native_recurrence
from kerasnets.exporting.onnx.recurrent_nodes import MarkerHandler
from kerasnets.exporting.onnx.reshapes import keep_sizes_without_rows
from kerasnets.exporting.onnx.spare_row import add_spare_row, needs_spare_row
from kerasnets.exporting.signature import Served, TensorInfo
from kerasnets.exporting.tracing import grouped_operations

OPSETS = range(13, 23)
# tf2onnx writes no later one; ONNX itself converts to those.
_LAST_OF_TF2ONNX = 18
OPSET = 17
# tf2onnx has global state.
_LOCK = threading.Lock()


def write_onnx(
    served: Served,
    path: Path,
    *,
    opset: int = OPSET,
    allow_loops: bool = False,
    sequence_lens: bool = True,
    guarded: bool = False,
    metadata: Mapping[str, str] | None = None,
    doc: str = "",
) -> dict[str, Any]:
    """Write a model as ONNX, with the names of its signature and a free batch axis.

    Recurrent layers become native ``GRU``, ``LSTM`` and ``RNN`` nodes.

    Args:
        served: the model and its signature.
        path: the ``.onnx`` file to write.
        opset: the version of the ONNX operators, 13 to 22.
        allow_loops: whether the file may contain a ``Loop``.
        sequence_lens: whether the nodes of masked recurrent layers get the number of steps of each
            row. tract does not have this input.
        guarded: whether rows with invalid values get NaN as outputs, as in
            :mod:`kerasnets.exporting.onnx.guards`.
        metadata: the content of ``metadata_props``.
        doc: the doc string of the graph.

    Returns:
        An entry for the card: the opset, whether loops are allowed, whether a recurrent node has
        the input ``sequence_lens``, and the number of nodes per operator.

    Raises:
        ValueError: the opset is not supported, the model has operations without an ONNX operator,
            or it needs a loop and ``allow_loops`` is false.
    """
    if opset not in OPSETS:
        raise ValueError(f"opset must be in [{OPSETS[0]}, {OPSETS[-1]}]; got {opset}.")
    if any(info.dtype == "string" for info in (*served.inputs, *served.outputs)):
        raise ValueError(
            f"{served.model.name!r} takes or returns text, for which ONNX has no operators. Leave "
            "'onnx' out of formats: a SavedModel serves it. Or export the part of the model after "
            "the lookup, and look the words up in your program."
        )
    both = {info.name for info in served.inputs} & {info.name for info in served.outputs}
    if both:
        raise ValueError(
            f"{served.model.name!r} has {', '.join(map(repr, sorted(both)))} as input and as "
            "output, but names in ONNX must be unique. Rename one of the layers."
        )
    proto = _convert(served, min(opset, _LAST_OF_TF2ONNX), allow_loops, sequence_lens, guarded)
    proto = _with_opset(proto, opset)
    unknown = sorted(
        f"{node.op_type} ({node.name})"
        for node in all_nodes(proto.graph)
        if _is_foreign(node, opset)
    )
    if unknown:
        raise ValueError(
            f"{served.model.name!r} cannot be exported to ONNX: opset {opset} has no operator for "
            f"{', '.join(unknown)}. Replace these layers, or leave 'onnx' out of formats."
        )
    loops = [n.name for n in all_nodes(proto.graph) if n.op_type in ("Loop", "Scan")]
    if loops and not allow_loops:
        raise ValueError(
            f"{served.model.name!r} needs loops in ONNX for {', '.join(loops)}. Give these layers "
            "a fixed number of steps, or pass allow_loops=True."
        )
    if guarded:
        keep_sizes_without_rows(proto)
        if needs_spare_row(proto):
            add_spare_row(proto)
        add_guards(proto, served)
    _name_axes(proto.graph.input, served.inputs)
    _name_axes(proto.graph.output, served.outputs)
    proto.graph.name = served.model.name
    proto.graph.doc_string = doc
    onnx.helper.set_model_props(proto, {"opset": str(opset), **(metadata or {})})
    onnx.save(proto, path)
    nodes = Counter(node.op_type for node in all_nodes(proto.graph))
    return {
        "opset": opset,
        "allow_loops": allow_loops,
        "sequence_lens": any(map(_has_sequence_lens, all_nodes(proto.graph))),
        "nodes": dict(sorted(nodes.items())),
    }


def add_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Set entries of the ``metadata_props`` of an ONNX file; the graph does not change."""
    proto = onnx.load(path)
    onnx.helper.set_model_props(
        proto, {**{prop.key: prop.value for prop in proto.metadata_props}, **metadata}
    )
    onnx.save(proto, path)


def _convert(
    served: Served, opset: int, allow_loops: bool, sequence_lens: bool, guarded: bool
) -> onnx.ModelProto:
    import tf2onnx

    specs = served.specs
    handler = MarkerHandler(guard_rows=not (guarded and pads_inputs(served)))
    with _LOCK, silenced("tf2onnx", "tensorflow"):
        _patch_for_numpy_2()
        native = native_recurrence(
            served.model, allow_loops=allow_loops, sequence_lens=sequence_lens
        )
        with native as masks, grouped_operations(served.model):

            def call(*tensors: Any) -> dict[str, Any]:
                outputs = served(*tensors)
                return outputs | (masks.valid_sums(served, tensors) if guarded else {})

            concrete = tf.function(call, autograph=False).get_concrete_function(*specs)
        # The inputs of the function are followed by captured tensors: variables, and constants
        # such as the mean of a Normalization, which tf2onnx would otherwise treat as inputs.
        inputs = [tensor.name for tensor in concrete.inputs[: len(specs)]]
        outputs = {tensor.name: name for name, tensor in concrete.structured_outputs.items()}
        names = dict(zip(inputs, (spec.name for spec in specs), strict=True)) | outputs
        graph = tf2onnx.tf_loader.from_function(concrete, inputs, list(outputs))
        with one_copy():
            proto, _ = tf2onnx.convert.from_graph_def(
                graph,
                input_names=inputs,
                output_names=list(outputs),
                opset=opset,
                tensors_to_rename=names,
                custom_op_handlers={"PyFunc": (handler, []), **HANDLERS},
            )
    if handler.errors:
        raise ValueError(
            f"{served.model.name!r} cannot be exported to ONNX: {handler.errors[0]}"
        ) from handler.errors[0]
    return proto


def _with_opset(proto: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Convert a model to a later opset than tf2onnx writes.

    Raises:
        ValueError: ONNX has no conversion for one of its operators.
    """
    if opset <= _LAST_OF_TF2ONNX:
        return proto
    try:
        return onnx.version_converter.convert_version(proto, opset)
    except (RuntimeError, onnx.version_converter.ConvertError) as error:
        raise ValueError(
            f"the model cannot be converted to opset {opset}: {error}. tf2onnx writes opset "
            f"{OPSETS[0]} to {_LAST_OF_TF2ONNX}; pass one of those."
        ) from error


def _patch_for_numpy_2() -> None:
    """Apply Keras's patch of tf2onnx for NumPy 2; applying it twice changes nothing."""
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    with warnings.catch_warnings():
        # The patch looks up the removed alias np.object.
        warnings.simplefilter("ignore", FutureWarning)
        patch_tf2onnx()


def _has_sequence_lens(node: onnx.NodeProto) -> bool:
    return node.op_type in ("GRU", "LSTM", "RNN") and len(node.input) > 4 and bool(node.input[4])


def _is_foreign(node: onnx.NodeProto, opset: int) -> bool:
    """Whether a node is not an ONNX operator: tf2onnx keeps operations it cannot convert."""
    return node.domain not in ("", "ai.onnx") or not onnx.defs.has(node.op_type, opset)


def _name_axes(values: Iterator[onnx.ValueInfoProto], infos: tuple[TensorInfo, ...]) -> None:
    by_name = {info.name: info for info in infos}
    for value in values:
        info = by_name[value.name]
        del value.type.tensor_type.shape.dim[:]
        for axis, size in enumerate(info.shape):
            dim = value.type.tensor_type.shape.dim.add()
            if size is None:
                dim.dim_param = "batch" if axis == 0 else f"{info.name}_axis_{axis}"
            else:
                dim.dim_value = size
