"""Seeded mutations of files: bytes, lines, cells, encodings, gzip, zip and whole files."""

from __future__ import annotations

import gzip
import io
import random
import warnings
import zipfile
import zlib
from collections.abc import Callable

Files = dict[str, bytes]
Mutation = Callable[[bytes, random.Random], bytes]

_CELLS = (
    b"", b" ", b"0", b"1", b"7", b"-1", b"00", b"1_0", b"1e1", b"1e400", b"-1e39", b"nan", b"NaN",
    b"inf", b"-Infinity", b"NA", b"None", b"NULL", b"True", b"0x10", b"1.5", b"1,5", b'"', b'""',
    b'"1"', b'"a,b"', b'"a\nb"', b"2100-13-01 00:00:00", b"2100-02-30", b"2100-01-01",
    "９".encode(), "é".encode(), b"\xe9", b"9" * 400, b"yes", b"Yes ", b"Expired", b"unknown",
)  # fmt: skip
_BYTES = (b'"', b",", b"\n", b"\r", b"\r\n", b"\0", b"_", b"-", b".", b" ", b"\t", b";", b"\xff",
          b"\xef\xbb\xbf", b"\x1f\x8b", b"9", b"e")  # fmt: skip


def mutate(files: Files, rng: random.Random) -> tuple[Files, str]:
    """Change one file, rarely several or the set of files.

    Returns:
        The changed files, and what was done.
    """
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        name = rng.choice(sorted(files))
        if rng.random() < 0.03:
            files, what = _mutate_set(files, name, rng)
        else:
            files[name], what = _mutate_file(files[name], rng)
        done.append(f"{name}: {what}")
        if not files:
            break
    return files, "; ".join(done)


def _mutate_set(files: Files, name: str, rng: random.Random) -> tuple[Files, str]:
    other = rng.choice(sorted(files))
    what = rng.choice(("remove", "empty", "copy", "swap"))
    if what == "remove":
        del files[name]
    elif what == "empty":
        files[name] = b""
    elif what == "copy":
        files[name] = files[other]
    else:
        files[name], files[other] = files[other], files[name]
    return files, f"{what} {other}" if what in ("copy", "swap") else what


def _mutate_file(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    if content.startswith(b"\x1f\x8b") and rng.random() < 0.6:
        return _inside(
            content, rng, _unpack, lambda inner: gzip.compress(inner, 1, mtime=0), "gzip"
        )
    if content.startswith(b"PK") and rng.random() < 0.7:
        return _mutate_zip(content, rng)
    mutation = rng.choice(_mutations(content))
    return mutation(content, rng), mutation.__name__.strip("_")


def _mutations(content: bytes) -> tuple[Mutation, ...]:
    binary = (_flip_bit, _set_byte, _insert, _delete, _repeat, _truncate, _zero, _append, _swap)
    if b"\0" in content or not content.isascii():
        return (*binary, _pack) if len(content) < 10_000 else binary
    text = (_drop_line, _repeat_line, _swap_lines, _cut_line, _join_lines, _blank_line, _cut_end)
    cells = (_set_cell, _set_cell, _set_cell, _drop_cell, _repeat_cell, _swap_cells, _quote_cell,
             _stray_quotes, _change_digit, _change_digit)  # fmt: skip
    whole = (_encode, _line_ends, _mark, _pack, _pack_damaged)
    return (*binary, *text, *text, *cells, *cells, *whole)


# Bytes.


def _place(content: bytes, rng: random.Random) -> int:
    return rng.randrange(len(content) + 1)


def _span(content: bytes, rng: random.Random) -> tuple[int, int]:
    start = _place(content, rng)
    return start, min(len(content), start + rng.choice((1, 2, 4, 16, 64, 1000)))


def _flip_bit(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return content
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def _set_byte(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    return content[:place] + rng.choice((*_BYTES, rng.randbytes(1))) + content[place + 1 :]


def _insert(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    new = rng.choice((*_BYTES, *_BYTES, rng.randbytes(rng.choice((1, 4, 100)))))
    return content[:place] + new + content[place:]


def _delete(content: bytes, rng: random.Random) -> bytes:
    start, end = _span(content, rng)
    return content[:start] + content[end:]


def _repeat(content: bytes, rng: random.Random) -> bytes:
    start, end = _span(content, rng)
    return content[:end] + content[start:end] + content[end:]


def _truncate(content: bytes, rng: random.Random) -> bytes:
    return content[: _place(content, rng)]


def _zero(content: bytes, rng: random.Random) -> bytes:
    start, end = _span(content, rng)
    return content[:start] + bytes(end - start) + content[end:]


def _append(content: bytes, rng: random.Random) -> bytes:
    return content + rng.choice((content, rng.randbytes(20), bytes(20), *_BYTES))


def _swap(content: bytes, rng: random.Random) -> bytes:
    a, b, c = sorted(_place(content, rng) for _ in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


# Lines.


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True) or [b""]


def _drop_line(content: bytes, rng: random.Random) -> bytes:
    lines = _lines(content)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def _repeat_line(content: bytes, rng: random.Random) -> bytes:
    lines = _lines(content)
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return b"".join(lines)


def _swap_lines(content: bytes, rng: random.Random) -> bytes:
    lines = _lines(content)
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def _cut_line(content: bytes, rng: random.Random) -> bytes:
    lines = _lines(content)
    row = rng.randrange(len(lines))
    line = lines[row].rstrip(b"\r\n")
    lines[row] = line[: rng.randrange(len(line) + 1)] + b"\n"
    return b"".join(lines)


def _join_lines(content: bytes, rng: random.Random) -> bytes:
    lines = _lines(content)
    row = rng.randrange(len(lines))
    lines[row] = lines[row].rstrip(b"\r\n") + rng.choice((b"", b","))
    return b"".join(lines)


def _blank_line(content: bytes, rng: random.Random) -> bytes:
    lines = _lines(content)
    lines.insert(rng.randrange(len(lines) + 1), rng.choice((b"\n", b" \n", b"\r\n", b",\n")))
    return b"".join(lines)


def _cut_end(content: bytes, rng: random.Random) -> bytes:
    return content[: -rng.randrange(1, 12)]


# Cells.


def _on_cells(
    content: bytes, rng: random.Random, change: Callable[[list[bytes], int], None]
) -> bytes:
    """Change the cells of a random line, which are separated by commas or spaces."""
    lines = _lines(content)
    row = rng.randrange(len(lines))
    line = lines[row].rstrip(b"\r\n")
    comma = b"," if b"," in line else b" "
    cells = line.split(comma)
    change(cells, rng.randrange(len(cells)))
    lines[row] = comma.join(cells) + lines[row][len(line) :]
    return b"".join(lines)


def _set_cell(content: bytes, rng: random.Random) -> bytes:
    def change(cells: list[bytes], place: int) -> None:
        cells[place] = rng.choice(_CELLS)

    return _on_cells(content, rng, change)


def _drop_cell(content: bytes, rng: random.Random) -> bytes:
    return _on_cells(content, rng, lambda cells, place: cells.pop(place) and None)


def _repeat_cell(content: bytes, rng: random.Random) -> bytes:
    return _on_cells(content, rng, lambda cells, place: cells.insert(place, cells[place]))


def _swap_cells(content: bytes, rng: random.Random) -> bytes:
    def change(cells: list[bytes], place: int) -> None:
        other = rng.randrange(len(cells))
        cells[place], cells[other] = cells[other], cells[place]

    return _on_cells(content, rng, change)


def _quote_cell(content: bytes, rng: random.Random) -> bytes:
    def change(cells: list[bytes], place: int) -> None:
        cells[place] = rng.choice((b'"%s"', b'"%s', b'%s"', b"'%s'", b' "%s"')) % cells[place]

    return _on_cells(content, rng, change)


def _stray_quotes(content: bytes, rng: random.Random) -> bytes:
    """A quote at the start of one cell that closes at the end of another, lines below."""

    def opened(cells: list[bytes], place: int) -> None:
        cells[place] = b'"' + cells[place]

    def closed(cells: list[bytes], place: int) -> None:
        cells[place] += b'"'

    return _on_cells(_on_cells(content, rng, opened), rng, closed)


def _change_digit(content: bytes, rng: random.Random) -> bytes:
    digits = [place for place, byte in enumerate(content[:20_000]) if 48 <= byte <= 57]
    if not digits:
        return content
    place = rng.choice(digits)
    return content[:place] + b"%d" % rng.randrange(10) + content[place + 1 :]


# Whole files.


def _encode(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-32", "utf-16-le", "utf-8-sig")))


def _line_ends(content: bytes, rng: random.Random) -> bytes:
    return content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\r\r\n", b"\n\r")))


def _mark(content: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"\xef\xbb\xbf", b"\n", b" ", b"#", b"\xef\xbb\xbf" * 2)) + content


def _pack(content: bytes, rng: random.Random) -> bytes:
    return gzip.compress(content, rng.choice((1, 9)), mtime=0)


def _pack_damaged(content: bytes, rng: random.Random) -> bytes:
    packed = gzip.compress(content, 1, mtime=0)
    what = rng.randrange(6)
    if what == 0:
        return packed[: rng.randrange(len(packed))]
    if what == 1:
        return _flip_bit(packed, rng)
    if what == 2:
        return packed + rng.choice((b"x", bytes(8), packed, packed[:7]))
    if what == 3:
        return packed[:-4] + b"\xff\xff\xff\x7f"
    if what == 4 and rng.random() < 0.1:  # it takes a second
        return gzip.compress(content + b"0,0\n" * 2**24, 1, mtime=0)
    return _delete(packed, rng)


def _unpack(content: bytes) -> bytes:
    return gzip.decompress(content)


def _inside(
    content: bytes,
    rng: random.Random,
    unpack: Callable[[bytes], bytes],
    pack: Callable[[bytes], bytes],
    kind: str,
) -> tuple[bytes, str]:
    try:
        inner = unpack(content)
    except (OSError, EOFError, zlib.error):
        return content, f"damaged {kind}"
    changed, what = _mutate_file(inner, rng)
    return pack(changed), f"{kind}, {what}"


def _mutate_zip(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Change a member and write the archive anew, with the right checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, RuntimeError,
            ValueError):  # fmt: skip
        return content, "damaged zip"
    if not members:
        return content, "empty zip"
    place = rng.randrange(len(members))
    name, inner = members[place]
    what = rng.choice(("change",) * 8 + ("remove", "repeat", "rename"))
    if what == "remove":
        del members[place]
    elif what == "repeat":
        members.append((name, inner))
    elif what == "rename":
        members[place] = (rng.choice((name[::-1], f"../{name}", name.upper(), "")) or "x", inner)
    else:
        inner, what = _mutate_file(inner, rng)
        members[place] = (name, inner)
    new = io.BytesIO()
    compression = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(new, "w", compression) as archive:
        warnings.simplefilter("ignore")  # two members with one name are intended
        for member, text in members:
            archive.writestr(zipfile.ZipInfo(member), text)
    return new.getvalue(), f"zip, {name}, {what}"
