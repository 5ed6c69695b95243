"""CSV files are read whole or refused, with the line of the fault."""

from __future__ import annotations

import csv
import gzip
import io
import random

import numpy as np
import pytest

from kerasnets.data.tables import csv_lines
from kerasnets.data.tables.cells import DataError
from kerasnets.data.tables.csv_text import read_csv_blocks, read_csv_text

HEADER = "id,name,dod,flag\n"


@pytest.fixture
def read(tmp_path):
    def parse(content, **options):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_csv_text(path, **options)

    return parse


def cells(text, **options):
    return text.frame(keep_default_na=False, **options).to_numpy(object).tolist()


@pytest.mark.parametrize(
    "content",
    [
        'id,name\n1,"a, ""b"""\n2,ü\n',
        'id,name\r\n1,"a, ""b"""\r\n2,ü\r\n',
        '\ufeff\n \t\n"id", name \n1,"a, ""b"""\n\n2,"ü"\n\n',
        gzip.compress('id,name\n1,"a, ""b"""\n2,ü\n'.encode()),
    ],
)
def test_every_way_to_write_a_table_has_the_same_cells(read, content):
    text = read(content)
    assert text.header == ("id", "name")
    assert cells(text) == [["1", 'a, "b"'], ["2", "ü"]]


def test_rows_are_numbered_as_in_an_editor(read):
    text = read("\n\na,b\n1,2\n\n  \n3,4\n")
    assert text.lines.tolist() == [4, 7]
    assert text.frame().index.tolist() == [4, 7]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (HEADER + '1,"a,,0\n' + "2,b,,0\n" * 3 + '5,e",,0\n', "row 2: a quoted cell does not end"),
        (HEADER + '1,a,,0\n2,"b\n"c,,0\n', "row 3: a quoted cell does not end on this line"),
        (HEADER + '1,a"b,,0\n2,b"c,,0\n', "row 2: a quote"),
        (HEADER + '1,"a"b,,0\n', "row 2: a quote in the middle of a cell"),
        (HEADER + '1,a "b",,0\n', "row 2: a quote in the middle of a cell"),
        (HEADER + '1, "a",,0\n', "row 2: a quote in the middle of a cell"),
        (HEADER + "1,a,,0\n2,b\n", "row 3: 2 cells, too few; the header has 4 columns"),
        (HEADER + "1,a,,0\n2,b,,0,\n", "row 3: 5 cells, too many; the header has 4 columns"),
        (HEADER + "1,a,,0\n2,b,2100", "row 3: the last line does not end with a line break"),
        (HEADER + "1,a,,0\n2,b,,", "row 3: the last line does not end with a line break"),
        (HEADER + "1,a,,0\r2,b,,0\n", r"row 2: a carriage return"),
        (HEADER + "1,a\0,,0\n", "a binary file, or not UTF-8"),
        (HEADER.encode() + b"1,a,,0\n2,\xe9,,0\n", "row 3: a binary file, or not UTF-8"),
        (HEADER.encode("utf-16"), "a binary file, or not UTF-8"),
        ("\ufeff\ufeff" + HEADER, "row 1: two byte-order marks"),
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ('id,"name\n', "row 1: not a header of a CSV file"),
        ("id,name,id\n1,2,3\n", "row 1: column 3, 'id', is a duplicate"),
        ("id,,b\n1,2,3\n", "row 1: column 2 has no name"),
        (gzip.compress(HEADER.encode())[:-6], "the gzip file is truncated or damaged"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(read, content, fault):
    with pytest.raises(DataError, match=rf"table\.csv(, |: ){fault}"):
        read(content)


def test_the_header_is_checked_before_the_rows(read):
    def refuse(where, header):
        raise DataError(f"{where}: {header}")

    with pytest.raises(DataError, match=r"table\.csv, row 2: \('a', 'b'\)"):
        read("\na,b\n1\n", check_header=refuse)


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_only_the_first_rows_may_be_read(read, rows):
    text = read("a,b\n" + "".join(f"{n},x\n" for n in range(3)), rows=rows)
    assert [first for first, _ in cells(text)] == ["0", "1", "2"][:rows]


def test_blocks_are_independent(read, monkeypatch):
    """Small blocks and one large block have the same rows and the same faults."""
    lines = [f'{n},"a, ""{n}""",,0\n' if n % 3 else "\n" for n in range(200)]
    whole = read(HEADER + "".join(lines))
    monkeypatch.setattr(csv_lines, "_BLOCK", 50)
    assert np.array_equal(read(HEADER + "".join(lines)).lines, whole.lines)
    lines[150] = "1,2,3\n"
    with pytest.raises(DataError, match="row 152: 3 cells, too few"):
        read(HEADER + "".join(lines))


def rows_or_refusal(read):
    """The cells and lines of all blocks that a function reads, or the message of its refusal."""
    try:
        blocks = list(read())
    except DataError as error:
        return str(error)
    rows = [row for block in blocks for row in cells(block)]
    return rows, [line for block in blocks for line in block.lines]


def random_file(rng):
    """A small CSV file with any line ends, and with at most one fault."""
    usual = [b"1,2", b'"a, b",c', "é,z".encode(), b"", b" "]
    lines = [b"p,q", *rng.choices(usual, k=rng.randrange(9))]
    content = rng.choice([b"\n", b"\r\n"]).join([b"", *lines, b""])
    if rng.random() < 0.5:
        faults = [b"1", b"1,2,3", b'"a,2', b"1,\xff", b"1,2\r3", b"\xef\xbb\xbf1,2"]
        content += rng.choice([*(fault + b"\n1,2\n" for fault in faults), b"1,2"])
    return rng.choice([b"", b"\xef\xbb\xbf"]) + content


def test_a_file_in_blocks_has_the_rows_and_faults_of_the_whole_file(tmp_path, monkeypatch):
    rng = random.Random(1)
    path = tmp_path / "table.csv"
    refused = 0
    for _ in range(120):
        path.write_bytes(random_file(rng))
        whole = rows_or_refusal(lambda: [read_csv_text(path)])
        with monkeypatch.context() as patched:
            patched.setattr("kerasnets.data.content._CHUNK", rng.randrange(2, 20))
            blocks = rows_or_refusal(lambda: read_csv_blocks(path, rng.randrange(1, 30)))
        refused += isinstance(whole, str)
        assert blocks == whole, path.read_bytes()
    assert 20 < refused < 100


def test_cells_are_those_of_the_csv_module_or_the_file_is_refused(read):
    """Random small files, judged by Python's own reader line by line."""
    rng = random.Random(0)
    outcomes = {"read": 0, "refused": 0}
    usual = ["a", "", '"a"', '"a,b"', '"a""b"', '""', '""""', " ", "a b"]
    pieces = [*usual * 3, '"', 'a"b', '"a', '" a"', ' "a"', '"a"b', '"""', ",", "\n"]
    for _ in range(700):
        lines = [",".join(rng.choices(pieces, k=2)) for _ in range(rng.randrange(1, 4))]
        body = "\n".join([*lines, ""])
        content = "p,q\n" + body
        try:
            found = cells(read(content))
        except DataError:
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        expected = [row for line in body.split("\n") if line.strip()
                    for row in csv.reader(io.StringIO(line), strict=True)]  # fmt: skip
        assert found == expected, content
        assert body == "" or body.endswith("\n")
        assert all(len(row) == 2 for row in found)
    assert min(outcomes.values()) > 50
