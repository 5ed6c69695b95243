"""Find the operations of a SavedModel that may use files, the network or Python.

TensorFlow runs whatever a SavedModel contains. An operation is therefore only allowed if it is
numeric, by the rule of :func:`_is_numeric`, or is one of the named operations below.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FILE = "saved_model.pb"
# TensorFlow reads these instead of saved_model.pb, or if it is missing.
_OTHER_FORMATS = ("saved_model.cpb", "saved_model.pbtxt")

# Operations that the rule does not allow, because they have state, text, handles or functions.
# None of them has access to anything outside the process.
_CONTROL_FLOW = """
    Case If PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile While
"""
_VARIABLES = """
    AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp DisableCopyOnRead
    ReadVariableOp ResourceGather ResourceGatherNd ResourceScatterAdd ResourceScatterNdUpdate
    ResourceScatterUpdate VarHandleOp VarIsInitializedOp VariableShape
"""
_LISTS = """
    EmptyTensorList TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListElementShape
    TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack
    TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
    TensorListStack RaggedTensorFromVariant RaggedTensorToVariant
"""
_TABLES = """
    AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable HashTableV2
    InitializeTableV2 LookupTableExportV2 LookupTableFindV2 LookupTableImportV2 LookupTableInsertV2
    LookupTableRemoveV2 LookupTableSizeV2 MutableDenseHashTableV2 MutableHashTableV2
"""
_RANDOM = """
    Multinomial NonDeterministicInts ParameterizedTruncatedNormal RandomGamma RandomPoissonV2
    RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip
    StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2 StatefulTruncatedNormal
    StatefulUniform StatefulUniformFullInt StatefulUniformInt StatelessRandomGetAlg TruncatedNormal
"""
_NUMBERS = """
    Assert CheckNumerics CheckNumericsV2 CudnnRNN CudnnRNNV2 CudnnRNNV3 DataFormatDimMap
    DataFormatVecPermute DenseToDenseSetOperation DenseToSparseSetOperation Einsum Empty
    ExtractGlimpse ExtractGlimpseV2 GatherNd GuaranteeConst ImageProjectiveTransformV2
    ImageProjectiveTransformV3 PreventGradient RaggedCross RaggedTensorToTensor ScaleAndTranslate
    ScatterNd ScatterNdNonAliasingAdd SparseToSparseSetOperation TensorScatterAdd TensorScatterMax
    TensorScatterMin TensorScatterSub TensorScatterUpdate
"""
_TEXT = """
    AsString DecodeBase64 EncodeBase64 ReduceJoin RegexFullMatch RegexReplace SparseCrossV2
    StaticRegexFullMatch StaticRegexReplace StringFormat StringJoin StringLength StringLower
    StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast
    StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode
    UnicodeDecodeWithOffsets UnicodeEncode UnicodeTranscode UnsortedSegmentJoin
"""
_NAMED = frozenset(
    " ".join((_CONTROL_FLOW, _VARIABLES, _LISTS, _TABLES, _RANDOM, _NUMBERS, _TEXT)).split()
)
# Operations of the functions that save and restore variables. Every SavedModel has these
# functions, but tf.saved_model.load restores the variables without calling them.
_CHECKPOINT = frozenset(("MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"))


def saved_model_failures(folder: Path) -> Iterator[str]:
    """The reasons not to load a SavedModel.

    Args:
        folder: the folder of ``saved_model.pb``.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    for name in _OTHER_FORMATS:
        if (folder / name).exists():
            yield f"{name} must not exist: TensorFlow may read it instead of {FILE}"
    saved = saved_model_pb2.SavedModel.FromString((folder / FILE).read_bytes())
    if len(saved.meta_graphs) != 1 or not saved.meta_graphs[0].HasField("object_graph_def"):
        yield f"{FILE} must have one graph, with the objects that TensorFlow 2 saves"
        return
    (meta,) = saved.meta_graphs
    functions = {function.signature.name: function for function in meta.graph_def.library.function}
    called = _called_functions(meta.object_graph_def, functions)
    checked = [("the graph", meta.graph_def.node, False)] + [
        (f"function {name}", function.node_def, name not in called)
        for name, function in functions.items()
    ]
    for where, nodes, is_saver in checked:
        for node in nodes:
            if not (is_saver and node.op in _CHECKPOINT) and not _is_allowed(node.op, functions):
                yield (
                    f"node {node.name!r} in {where} has the operation {node.op}, which may use "
                    "files, the network or Python"
                )


def _called_functions(objects: Any, functions: dict[str, Any]) -> set[str]:
    """The functions that can run after loading: those of the objects, and all that they call."""
    waiting = list(objects.concrete_functions)
    for node in objects.nodes:
        waiting += node.function.concrete_functions
        waiting.append(node.bare_concrete_function.concrete_function_name)
        waiting.append(node.captured_tensor.concrete_function)
    called: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in functions and name not in called:
            called.add(name)
            for node in functions[name].node_def:
                waiting += [node.op, *_function_names(node.attr.values())]
    return called


def _function_names(attributes: Iterable[Any]) -> Iterator[str]:
    """The names of the functions in the attributes of a node."""
    for attribute in attributes:
        yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


def _is_allowed(operation: str, functions: dict[str, Any]) -> bool:
    if operation in _NAMED:
        return True
    definition = _definition(operation)
    if definition is None:  # a node can also call a function by its name
        return operation in functions
    return _is_numeric(definition)


@functools.cache
def _definition(operation: str) -> Any:
    """The definition of an operation, or ``None`` if TensorFlow does not have it."""
    import tensorflow as tf

    try:
        return tf.Graph().op_def_for_type(operation)
    except RuntimeError:
        return None


def _is_numeric(definition: Any) -> bool:
    """Whether an operation only computes numbers.

    It is stateless and public, and it has no inputs or outputs that are text, handles or
    references. Its attributes are not functions, and are text only if it must be one of a few
    values, such as ``"SAME"``. So there is no file name, address or Python function.
    """
    import tensorflow as tf

    if definition.is_stateful or definition.name.startswith(("_", "Debug", "TPU", "Xla")):
        return False
    other = {tf.string.as_datatype_enum, tf.resource.as_datatype_enum, tf.variant.as_datatype_enum}
    for argument in (*definition.input_arg, *definition.output_arg):
        if argument.type in other or argument.is_ref:
            return False
    return not any(
        attribute.type in ("func", "list(func)", "placeholder")
        or ("string" in attribute.type and not attribute.allowed_values.list.s)
        for attribute in definition.attr
    )
