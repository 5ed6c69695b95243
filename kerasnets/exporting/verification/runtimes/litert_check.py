"""Check and load ``model.tflite`` in the LiteRT runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Arrays
from .compare import Signature

_SIGNATURE = "serving_default"
METADATA = "kerasnets"  # the name of our entry in the metadata


def litert_failures(path: Path) -> Iterator[str]:
    """Why a LiteRT file must not be loaded: it has an operator that is not built in.

    Args:
        path: the file.
    """
    model = read_model(path.read_bytes())
    for code in model.operatorCodes or []:
        if code.customCode:
            name = code.customCode.decode(errors="replace")
            yield f"it has the operator {name}, which is not built into LiteRT"


def read_model(content: bytes) -> Any:
    """The objects of a file: its subgraphs, tensors and operators."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def read_metadata(content: bytes) -> dict[str, str]:
    """The entries that an export has stored in a LiteRT file; empty if there are none."""
    model = read_model(content)
    for entry in model.metadata or []:
        if entry.name == METADATA.encode():
            return dict(json.loads(bytes(model.buffers[entry.buffer].data)))
    return {}


def load_litert(path: Path) -> tuple[Signature, Signature, Any]:
    """Load a file, as :func:`load_litert_content` does its content."""
    return load_litert_content(path.read_bytes())


def load_litert_content(content: bytes) -> tuple[Signature, Signature, Any]:
    """Load the content of a file; return its inputs, outputs and a function that runs it.

    A file whose batch axis is fixed to one runs once per row. LiteRT runs nothing without rows, so
    empty arrays give empty outputs.

    Args:
        content: the content of the file.

    Raises:
        ValueError: it has no signature ``serving_default``.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    if _SIGNATURE not in interpreter.get_signature_list():
        raise ValueError(f"there is no signature {_SIGNATURE}")
    runner = interpreter.get_signature_runner(_SIGNATURE)
    inputs, outputs = _read(runner.get_input_details()), _read(runner.get_output_details())
    one_row = all(shape[:1] == (1,) for _, shape in inputs.values())

    def run(arrays: Arrays) -> Arrays:
        rows, *others = {len(array) for array in arrays.values()}
        if others:
            raise ValueError("the inputs have different numbers of rows")
        if not rows:
            # LiteRT needs a row. The result of a row of zeros has the types and shapes.
            zeros = {name: np.zeros((1, *x.shape[1:]), x.dtype) for name, x in arrays.items()}
            return {name: value[:0] for name, value in run(zeros).items()}
        if not one_row:
            return dict(runner(**arrays))
        parts = [
            # Copied, because the next call writes to the same memory.
            {name: value.copy() for name, value in runner(**_row(arrays, row)).items()}
            for row in range(rows)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in outputs}

    if one_row:
        inputs, outputs = _free_batch(inputs), _free_batch(outputs)
    return inputs, outputs, run


def _row(arrays: Arrays, row: int) -> Arrays:
    return {name: array[row : row + 1] for name, array in arrays.items()}


def _read(details: dict[str, Any]) -> Signature:
    return {
        name: (
            np.dtype(tensor["dtype"]).name,
            tuple(None if axis < 0 else int(axis) for axis in tensor["shape_signature"]),
        )
        for name, tensor in details.items()
    }


def _free_batch(signature: Signature) -> Signature:
    return {name: (dtype, (None, *shape[1:])) for name, (dtype, shape) in signature.items()}
