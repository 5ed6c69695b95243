"""Names and metadata in a ``.tflite`` file, and the operators that it contains."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes.litert_check import METADATA, read_model

SIGNATURE = "serving_default"


@dataclass(frozen=True)
class FileTensor:
    """An input or output of a file that takes one example per call."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)


def with_names(content: bytes, served: Served, metadata: Mapping[str, str]) -> bytes:
    """Name the inputs and outputs, and add a signature and metadata.

    Args:
        content: a converted file. Its inputs have the names of the signature, and its outputs
            their order.
        served: the signature.
        metadata: the entries to store as JSON under the name ``kerasnets``.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = read_model(content)
    graph = model.subgraphs[0]
    inputs = {_name(graph.tensors[index]): index for index in graph.inputs}
    outputs = dict(zip((info.name for info in served.outputs), graph.outputs, strict=True))
    for name, index in (inputs | outputs).items():
        graph.tensors[index].name = name.encode()
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE.encode()
    signature.inputs = [_tensor_map(schema, *item) for item in inputs.items()]
    signature.outputs = [_tensor_map(schema, *item) for item in outputs.items()]
    model.signatureDefs = [signature]
    entry, buffer = schema.MetadataT(), schema.BufferT()
    text = json.dumps(dict(metadata), ensure_ascii=False, sort_keys=True)
    buffer.data = list(text.encode())
    entry.name, entry.buffer = METADATA.encode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return packed(model)


def packed(model: Any) -> bytes:
    """The content of the file with the given objects."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def describe_operators(content: bytes) -> dict[str, int]:
    """The number of operators of each kind in a file, in alphabetical order."""
    model = read_model(content)
    kinds = [operator_kinds(model, graph) for graph in model.subgraphs]
    return dict(sorted(Counter(kind for found in kinds for kind in found).items()))


def operator_kinds(model: Any, graph: Any) -> list[str]:
    """The kind of each operator of a graph in a file, in its order."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    kinds = [
        (code.customCode or b"").decode()
        or names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        for code in model.operatorCodes
    ]
    return [kinds[operator.opcodeIndex] for operator in graph.operators or []]


def read_tensors(content: bytes) -> tuple[list[FileTensor], list[FileTensor]]:
    """The inputs and the outputs of a file, in its order."""
    from ai_edge_litert import schema_py_generated as schema

    types = {value: name.lower() for name, value in vars(schema.TensorType).items()}
    graph = read_model(content).subgraphs[0]

    def describe(indices: Any) -> list[FileTensor]:
        tensors = [graph.tensors[index] for index in indices]
        return [
            FileTensor(tensor.name.decode(), types[tensor.type], tuple(map(int, tensor.shape)))
            for tensor in tensors
        ]

    return describe(graph.inputs), describe(graph.outputs)


def _name(tensor: Any) -> str:
    """The name of an input, without the suffixes of TensorFlow."""
    return str(tensor.name.decode()).partition(":")[0].removeprefix("serving_default_")


def _tensor_map(schema: Any, name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), index
    return entry
