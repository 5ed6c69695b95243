"""Load a LiteRT file in TensorFlow Lite Micro, the runtime of microcontrollers."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Arrays
from .c_array_check import read_c_array
from .card import Card
from .compare import Signature
from .litert_check import read_model

HEADER = "model.h"


def runs_in_micro(card: Card) -> bool:
    """Whether the card says that TensorFlow Lite Micro runs the header, and it is installed."""
    return bool(_arena(card, HEADER)) and importlib.util.find_spec("tflite_micro") is not None


def _arena(card: Card, header: str) -> int:
    for entry in (card.get("c_arrays") or {}).get("headers", ()):
        if entry.get("file") == header:
            return int(entry.get("arena_bytes") or 0)
    return 0


def load_micro(path: Path, card: Card) -> tuple[Signature, Signature, Any]:
    """Load the array in a header; return its inputs, its outputs and a function that runs it.

    It takes one example per call, and nothing without rows: empty arrays give empty outputs.

    Args:
        path: the header.
        card: the content of ``card.json``, with the size of the arena.

    Raises:
        RuntimeError: TensorFlow Lite Micro cannot run it.
        ValueError: there is no array in the header.
    """
    from tflite_micro import runtime

    content = read_c_array(path.read_text(encoding="utf-8"))
    if content is None:
        raise ValueError("it has no array model_data")
    graph = read_model(content).subgraphs[0]
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=_arena(card, path.name))

    def read(indices: Any, details: Any) -> dict[str, Mapping[str, Any]]:
        names = [graph.tensors[index].name.decode() for index in indices]
        return {name: details(number) for number, name in enumerate(names)}

    inputs = read(graph.inputs, interpreter.get_input_details)
    outputs = read(graph.outputs, interpreter.get_output_details)

    def run_row(row: Arrays) -> Arrays:
        for number, (name, detail) in enumerate(inputs.items()):
            if row[name].shape != tuple(detail["shape"]):
                raise ValueError(f"{name!r} has the shape {row[name].shape}")
            interpreter.set_input(row[name], number)
        interpreter.invoke()
        return {name: interpreter.get_output(number) for number, name in enumerate(outputs)}

    def run(arrays: Arrays) -> Arrays:
        rows = len(next(iter(arrays.values())))
        if not rows:
            zeros = {name: np.zeros((1, *x.shape[1:]), x.dtype) for name, x in arrays.items()}
            return {name: value[:0] for name, value in run(zeros).items()}
        parts = [
            run_row({name: array[row : row + 1] for name, array in arrays.items()})
            for row in range(rows)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in outputs}

    return _signature(inputs), _signature(outputs), run


def _signature(details: Mapping[str, Mapping[str, Any]]) -> Signature:
    return {
        name: (np.dtype(detail["dtype"]).name, (None, *map(int, detail["shape"][1:])))
        for name, detail in details.items()
    }
