"""Fuzz targets: a user's own tables and arrays, with labels and without.

The split is explicit, so that the order of the rows is known.
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fuzzing import Target, UnreadableError, register
from mutations import Files
from reading import MISSING, check_categories, csv_file, day, encode, number, table

from kerasnets.data import Dataset, read_inputs

_OPTIONS = {"target": "died", "group": "who", "drop": ["note"], "split_column": "part"}
_KINDS = {"age": "number", "dose": "number", "sex": "category", "stage": "category", "seen": "date"}


def own_rows() -> list[list[Any]]:
    """90 rows of 45 persons."""
    rng = random.Random(2)  # noqa: S311
    parts = ["train"] * 50 + ["validation"] * 20 + ["test"] * 20
    return [
        [n // 2, rng.randrange(20, 90) if n % 11 else "", f"{rng.gauss(0, 5):.4f}",
         rng.choice(["f", "m"]), rng.choice(["I", "II", "III"]) if n % 13 else "",
         f"2020-0{rng.randrange(1, 9)}-1{rng.randrange(10)}", f'"says ""{n}"", twice"',
         rng.choice(["no", "yes"]), parts[n]]
        for n in range(90)
    ]  # fmt: skip


_HEADER = ["who", *_KINDS, "note", "died", "part"]


def own_csv_files() -> Files:
    """A CSV file."""
    return {"own.csv": csv_file(_HEADER, own_rows())}


def own_values(data: Dataset) -> dict[str, Any]:
    """The parts of a data set with their groups and the names of their labels."""
    parts = {
        name: [part.x.tolist(), [data.class_names[label] for label in part.y],
               None if part.groups is None else [str(group) for group in part.groups]]
        for name, part in data.splits.items()
    }  # fmt: skip
    return {**parts, "codebook": [dict(column) for column in data.codebook]}


def own_csv_load(folder: Path) -> dict[str, Any]:
    """Load the table."""
    return own_values(Dataset.from_file(folder / "own.csv", **_OPTIONS))


def own_read(header: list[str], rows: list[list[str]], loaded: dict[str, Any]) -> dict[str, Any]:
    """What the cells of an own table become."""
    if header[0] == "" or header[0].startswith("Unnamed: 0"):
        header, rows = header[1:], [row[1:] for row in rows]
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    codebook = {column["name"]: column for column in loaded["codebook"]}
    inputs = [name for name in header if name not in ("who", "note", "died", "part")]
    if list(codebook) != inputs:
        raise UnreadableError("the columns differ")
    for name, column in codebook.items():
        train = [cell for cell, part in zip(cells[name], cells["part"], strict=True)
                 if part == "train"]  # fmt: skip
        check_categories(train, column)
        usual = [cell for cell in train if cell.strip().lower() not in MISSING]
        kinds = [kind for kind, read in (("number", number), ("date", day))
                 if sum(readable(read, cell) for cell in usual) > 0.9 * len(usual)]  # fmt: skip
        if usual and kinds and column["kind"] not in kinds and len(set(usual)) > 10:
            raise UnreadableError(f"the column {name} became a {column['kind']}")
    found: dict[str, Any] = {"codebook": loaded["codebook"]}
    for part in ("train", "validation", "test"):
        chosen = [n for n, name in enumerate(cells["part"]) if name == part]
        found[part] = [
            [[encode(own_cell(cells[name][n]), codebook[name]) for name in inputs] for n in chosen],
            [label(cells["died"][n], cells["died"]) for n in chosen],
            [group(cells["who"][n]) for n in chosen],
        ]
    unknown = set(cells["part"]) - {"train", "validation", "test"}
    if unknown:
        raise UnreadableError(f"{unknown} are no parts")
    return found


def readable(read: Any, cell: str) -> bool:
    """Whether a cell can be read in some way."""
    try:
        read(cell)
    except UnreadableError:
        return False
    return True


# Texts that pandas reads as missing.
_PANDAS_MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
                   "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan",
                   "null"}  # fmt: skip


def own_cell(cell: str) -> str:
    """A cell of an own table: missing if pandas says so."""
    return "" if cell in _PANDAS_MISSING else cell


def label(cell: str, column: tuple[str, ...]) -> str:
    """The name of a label: 1.0 is 1 if the column holds numbers."""
    if own_cell(cell) == "":
        raise UnreadableError("a label or group is missing")
    if all(readable(number, other) for other in column):
        return f"{number(cell):.0f}" if number(cell).is_integer() else str(number(cell))
    return cell


def group(cell: str) -> str:
    """The name of a group: its text."""
    if own_cell(cell) == "":
        raise UnreadableError("a group is missing")
    return cell


def own_csv_read(files: Files, loaded: dict[str, Any]) -> dict[str, Any]:
    """Read the table."""
    header, rows = table(files["own.csv"])
    return own_read(header, rows, loaded)


def parquet_files() -> Files:
    """The same table as Parquet, with checksums."""
    rows = own_rows()
    types = {"who": int, "age": lambda cell: cell or None, "dose": float}
    data = {name: [types.get(name, str)(row[n]) for row in rows] for n, name in enumerate(_HEADER)}
    content = io.BytesIO()
    pq.write_table(pa.table(data), content, write_page_checksum=True)
    return {"own.parquet": content.getvalue()}


def parquet_load(folder: Path) -> dict[str, Any]:
    """Load the table."""
    return own_values(Dataset.from_file(folder / "own.parquet", **_OPTIONS))


def parquet_read(files: Files, loaded: dict[str, Any]) -> dict[str, Any]:
    """Read the table row by row."""
    rows = pq.read_table(io.BytesIO(files["own.parquet"])).to_pylist()
    header = list(rows[0])
    texts = [["" if row[name] is None else str(row[name]) for name in header] for row in rows]
    return own_read(header, texts, loaded)


def npz_files() -> Files:
    """Arrays with labels, groups and an explicit split."""
    rng = np.random.default_rng(3)
    content = io.BytesIO()
    np.savez(
        content, x=rng.normal(0, 9, (40, 3)), y=np.arange(40) % 2, groups=np.arange(40) // 2,
        split=np.repeat(["train", "validation", "test"], [20, 10, 10]), class_names=["no", "yes"],
    )  # fmt: skip
    return {"own.npz": content.getvalue()}


def npz_load(folder: Path) -> dict[str, Any]:
    """Load the arrays."""
    return own_values(Dataset.from_file(folder / "own.npz"))


def npz_read(files: Files, loaded: dict[str, Any]) -> dict[str, Any]:
    """Read the arrays with numpy."""
    with np.load(io.BytesIO(files["own.npz"])) as archive:
        arrays = {name: archive[name] for name in archive.files}
    x, y = arrays["x"].astype(np.float32), arrays["y"]
    names = [str(name) for name in arrays["class_names"]] if "class_names" in arrays else None
    values = np.unique(y).tolist()
    by_number = names is not None and all(value in range(len(names)) for value in values)
    if not by_number:  # sorted labels have the names in order, or name themselves
        names = dict(zip(values, names or map(str, values), strict=True))
    if "split" not in arrays:  # drawn at random: the rows of the parts are those of the file
        return (
            loaded
            if sorted(map(tuple, x.tolist()))
            == sorted(
                tuple(row) for part in ("train", "validation", "test") for row in loaded[part][0]
            )
            else {}
        )
    found: dict[str, Any] = {"codebook": []}
    for part in ("train", "validation", "test"):
        rows = np.flatnonzero(arrays["split"] == part)
        groups = [str(group) for group in arrays["groups"][rows]] if "groups" in arrays else None
        found[part] = [x[rows].tolist(), [names[value] for value in y[rows].tolist()], groups]
    return found


# Rows without labels, for a net that is already trained.

_CODEBOOK = [
    {"name": "age", "kind": "number", "origin": "", "fill": 54.5, "categories": []},
    {"name": "sex", "kind": "category", "origin": "", "fill": 0.0, "categories": ["f", "m"]},
    {"name": "seen", "kind": "date", "origin": "2020-01-01", "fill": 60.25, "categories": []},
]


def new_rows_load(folder: Path) -> np.ndarray:
    """Read the inputs of new rows."""
    return np.asarray(read_inputs(folder / "own.csv", {"codebook": _CODEBOOK}))


def new_rows_read(files: Files, _: Any) -> np.ndarray:
    """Read the same columns."""
    header, rows = table(files["own.csv"])
    return np.array([[encode(own_cell(row[header.index(c["name"])]), c) for c in _CODEBOOK]
                     for row in rows])  # fmt: skip


for target in (
    Target("own CSV", own_csv_files, own_csv_load, own_csv_read),
    Target("own Parquet", parquet_files, parquet_load, parquet_read),
    Target("own npz", npz_files, npz_load, npz_read),
    Target("new rows", own_csv_files, new_rows_load, new_rows_read),
):
    register(target)
