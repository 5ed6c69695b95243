"""Independent readings of data files, in plain Python: what the fuzzer's loaders are judged by.

They follow the descriptions of the formats and share no code with kerasnets.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import math
import re
import zlib
from collections import Counter
from typing import Any

import numpy as np
from fuzzing import UnreadableError

MISSING = {"", "na", "n/a", "<na>", "nan", "nat", "none", "nul", "null", "missing", "unknown"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def unpack(content: bytes) -> bytes:
    """The content of a file, unpacked if it is gzip."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(f"the gzip file is damaged ({error})") from None


def lines(content: bytes) -> list[str]:
    """The lines of a text file whose last line ends."""
    try:
        text = unpack(content).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError("it is not UTF-8") from None
    text = text.replace("\r\n", "\n")
    if "\0" in text or "\r" in text:
        raise UnreadableError("it has bytes that are not text")
    if not text.endswith("\n"):
        raise UnreadableError("its last line does not end")
    return text.split("\n")[:-1]


def table(content: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a CSV file: one row per line, as many cells in each as in the header."""
    rows = []
    for line in lines(content):
        if not line.strip(" \t"):
            continue
        try:
            (cells,) = csv.reader([line], strict=True)
        except (csv.Error, ValueError) as error:
            raise UnreadableError(f"a line is not CSV ({error})") from None
        if rows and len(cells) != len(rows[0]):
            raise UnreadableError(f"a line has {len(cells)} cells instead of {len(rows[0])}")
        rows.append(cells)
    if not rows:
        raise UnreadableError("it is empty")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise UnreadableError("two columns have the same name")
    return header, rows[1:]


def columns(content: bytes, *names: str) -> list[list[str]]:
    """Some columns of a CSV file, by their names in lower case."""
    header, rows = table(content)
    header = [name.lower() for name in header]
    if any(header.count(name) != 1 for name in names):
        raise UnreadableError(f"a column of {', '.join(names)} is missing or there twice")
    places = [header.index(name) for name in names]
    return [[row[place] for row in rows] for place in places]


def number(cell: str) -> float:
    """A finite number in float32."""
    if not cell.isascii() or "_" in cell:
        raise UnreadableError(f"{cell!r} is not a number")
    try:
        value = float(cell)
    except ValueError:
        raise UnreadableError(f"{cell!r} is not a number") from None
    if not math.isfinite(value) or abs(value) > 3.5e38:
        raise UnreadableError(f"{cell!r} is not finite")
    return value


def whole(cell: str) -> int:
    """A whole number."""
    value = number(cell)
    if not value.is_integer():
        raise UnreadableError(f"{cell!r} is not a whole number")
    return int(cell) if re.fullmatch(r"\s*[+-]?\d+\s*", cell, re.ASCII) else int(value)


def moment(cell: str) -> datetime.datetime:
    """A date with a time."""
    if not _DATE.fullmatch(cell):
        raise UnreadableError(f"{cell!r} is not a date")
    try:
        return datetime.datetime.fromisoformat(cell)
    except ValueError:
        raise UnreadableError(f"{cell!r} is not a date") from None


def day(cell: str) -> float:
    """A day as days since 1970; the year comes first."""
    text = cell.strip().replace("/", "-")
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        raise UnreadableError(f"{cell!r} is not a date")
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableError(f"{cell!r} is not a date") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    return found.timestamp() / 86_400


def csv_file(header: list[str], rows: list[list[Any]]) -> bytes:
    """The content of a CSV file."""
    return "".join(",".join(map(str, cells)) + "\n" for cells in [header, *rows]).encode()


def encode(cell: str, column: dict[str, Any]) -> float:
    """A cell as a number, as a codebook says."""
    if column["kind"] == "category":
        texts = list(column["categories"])
        return float(texts.index(cell) + 1 if cell in texts else 0)
    if cell.strip().lower() in MISSING:
        return float(np.float32(column["fill"]))
    if column["kind"] == "date":
        return float(np.float32(day(cell) - day(column["origin"])))
    words = {"true": 1.0, "false": 0.0}
    word = cell.strip().lower()
    return float(np.float32(words[word] if word in words else number(cell)))


def check_categories(cells: list[str], column: dict[str, Any]) -> None:
    """Every stored text has to be in 5 rows or more."""
    counts = Counter(cells)
    rare = [text for text in column["categories"] if counts[text] < 5]
    if rare:
        raise UnreadableError(f"the codebook has the rare text {rare[0]!r}")
