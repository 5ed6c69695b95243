"""Inputs without labels from a user's own file, for a net that is already trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerasnets._errors import unknown_name
from kerasnets.data.files import read_arrays, read_table
from kerasnets.data.tables.cells import name_file
from kerasnets.data.tables.codebook import encode_numbers, encode_table

_NOT_INPUTS = ("y", "groups", "split", "class_names")


def read_inputs(path: str | Path, data: Mapping[str, Any]) -> Any:
    """Read the inputs of every row of a file.

    Args:
        path: a ``.csv`` or ``.parquet`` table, whose other columns are ignored, or an ``.npz`` file
            with the array ``x``, or one array per input of the model.
        data: the description of the training data in ``environment.json`` of a run.

    Returns:
        Inputs as the model takes them: an array, or a dict of arrays.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it cannot be read, lacks a column, or has a cell that is not a number.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"The data file {path} does not exist (looked in {Path.cwd()}).")
    if path.suffix.lower() == ".npz":
        arrays = read_arrays(path)
        inputs = {name: array for name, array in arrays.items() if name not in _NOT_INPUTS}
        return inputs["x"] if list(inputs) == ["x"] else inputs
    frame = read_table(path)
    codebook = data.get("codebook") or []
    names = [column["name"] for column in codebook] or list(data.get("feature_names", ()))
    if not names:
        raise ValueError(
            f"{path} is a table, but the net was not trained on a table: give an .npz file."
        )
    for name in names:
        if name not in frame.columns:
            raise unknown_name(f"column in {path}: the net needs", name, map(str, frame.columns))
    with name_file(path):
        return encode_table(frame, codebook) if codebook else encode_numbers(frame[names])
