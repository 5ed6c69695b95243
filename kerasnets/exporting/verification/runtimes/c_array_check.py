"""C arrays, compared with the LiteRT files that they are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .card import Card

_ARRAY = re.compile(r"model_data\[\] = \{\n((?:(?:0x[0-9a-f]{2},)+\n)+)\};\n")
_SIZE = re.compile(r"model_size = (\d+);")
_NAMES = re.compile(r"model_class_names\[\] = \{\n((?:    \".*\",\n)+)\};\n")
_OCTAL = re.compile(rb"\\([0-7]{3})")


def c_array_failures(folder: Path, card: Card) -> Iterator[str]:
    """The headers whose bytes or class names differ from those of the export.

    Args:
        folder: the version folder.
        card: the content of ``card.json``.
    """
    arrays = card.get("c_arrays") or {}
    for name in arrays.get("examples", ()):
        if not (folder / str(name)).is_file():
            yield f"{name}: it is missing"
    for entry in arrays.get("headers", ()):
        name, of = str(entry.get("file")), str(entry.get("of"))
        if not (folder / name).is_file():
            yield f"{name}: it is missing"
            continue
        text = (folder / name).read_text(encoding="utf-8", errors="replace")
        content, size = read_c_array(text), _SIZE.search(text)
        if content is None or size is None:
            yield f"{name}: it has no array model_data with its model_size"
        elif not (folder / of).is_file() or content != (folder / of).read_bytes():
            yield f"{name}: its array differs from {of}"
        elif int(size[1]) != len(content):
            yield f"{name}: its model_size is {size[1]}, the array has {len(content):,} bytes"
        if (found := _class_names(text)) != list(card.get("class_names") or ()):
            yield f"{name}: its class names are {found}, the card has {card.get('class_names')}"


def read_c_array(text: str) -> bytes | None:
    """The bytes of the array in a header, or ``None`` if it has none."""
    found = _ARRAY.search(text)
    if found is None:
        return None
    return bytes.fromhex(re.sub("0x|,|\n", "", found[1]))


def _class_names(text: str) -> list[str]:
    found = _NAMES.search(text)
    lines = found[1].splitlines() if found else []
    return [_unescape(line.strip()[1:-2]) for line in lines]


def _unescape(literal: str) -> str:
    """The text of a C literal without its quotes."""
    content = _OCTAL.sub(lambda match: bytes([int(match[1], 8) % 256]), literal.encode())
    return content.decode(errors="replace")
