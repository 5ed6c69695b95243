from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kerasnets.data.eeg.bonn import SAMPLES
from kerasnets.data.eeg.bonn_table import read_table
from kerasnets.data.tables.cells import DataError
from tests.data.helpers import HEADER, Bonn, WriteTable

FORMS = [
    {},
    {"newline": "\r\n"},
    {"bom": True},
    {"bom": True, "newline": "\r\n"},
    {"compress": True},
    {"compress": True, "bom": True, "newline": "\r\n", "name": "a.csv.gz"},
]


def small(labels: str = "12345") -> list[list[str]]:
    """A header and one row per label: row r holds r·1000 + column."""
    rows = [
        [f"X1.V1.{row}", *(str(1000 * row + column) for column in range(SAMPLES)), label]
        for row, label in enumerate(labels)
    ]
    return [["", *HEADER, "y"], *rows]


@pytest.mark.parametrize("form", FORMS)
def test_every_format_has_the_same_rows(form: dict[str, object], write_table: WriteTable):
    x, y, recordings, _ = read_table(write_table(small("31452"), **form))
    expected = 1000 * np.arange(5)[:, None] + np.arange(SAMPLES)
    assert x.dtype == np.float32
    assert np.array_equal(x, expected)
    assert y.dtype == np.int32
    assert y.tolist() == [2, 0, 3, 4, 1]
    assert recordings is not None
    assert recordings.tolist() == [f"V1.{row}" for row in range(5)]


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "Unnamed", "id", '""'])
def test_the_id_column_may_have_these_names(name: str, write_table: WriteTable):
    rows = small()
    rows[0][0] = name
    assert read_table(write_table(rows)).recordings is not None


def test_without_ids_recordings_are_unknown(write_table: WriteTable):
    with_ids = read_table(write_table(small()))
    x, y, recordings, _ = read_table(write_table([row[1:] for row in small()]))
    assert recordings is None
    assert np.array_equal(x, with_ids.x)
    assert np.array_equal(y, with_ids.y)


def test_columns_are_read_by_name_not_by_position(write_table: WriteTable):
    reversed_ = [[row[0], *row[:0:-1]] for row in small()]
    assert np.array_equal(read_table(write_table(reversed_)).x, read_table(write_table(small())).x)


def test_quotes_spaces_blank_lines_and_decimals_are_accepted(write_table: WriteTable):
    rows = small()
    rows[1][0] = f'"{rows[1][0]}"'
    rows[1][1:4] = ['"-7"', " 8 ", "0.125"]
    rows.insert(1, [""])
    rows.insert(3, [""])
    x, y, *_ = read_table(write_table(rows))
    assert x[0, :3].tolist() == [-7, 8, 0.125]
    assert len(y) == 5


def test_a_recording_may_have_the_r_name_of_the_first_column(write_table: WriteTable):
    rows = small()
    rows[1][0] = "X23.V1"
    recordings = read_table(write_table(rows)).recordings
    assert recordings is not None
    assert recordings[0] == "V1"


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("abc", "'abc' is not a number"),
        ("", "the cell is empty"),
        ("NaN", "NaN"),
        ("NA", "'NA' is not a number"),
        ("inf", "'inf' is infinite"),
        ("-inf", "infinite"),
        ("1e39", "'1e39' is infinite or beyond float32"),
        ("1_0", "'1_0' is not a number"),
        ("True", "'True' is not a number"),
    ],
)
def test_an_invalid_value_is_reported_by_row_and_column(
    cell: str, why: str, write_table: WriteTable
):
    rows = small()
    rows[3][7] = cell
    path = write_table(rows)
    with pytest.raises(DataError) as error:
        read_table(path)
    assert str(error.value).startswith(f"{path}, row 4, column X7: ")
    assert why in str(error.value)
    assert "Allowed: a finite number, in µV" in str(error.value)


@pytest.mark.parametrize("label", ["0", "6", "2.5", "-1", "seizure", "", "nan", "inf"])
def test_an_invalid_label_is_reported_by_row_and_column(label: str, write_table: WriteTable):
    rows = small()
    rows[5][-1] = label
    with pytest.raises(DataError, match=r"row 6, column y: .*Allowed: a whole number from 1 to 5"):
        read_table(write_table(rows))


def test_rows_are_counted_as_in_an_editor(write_table: WriteTable):
    rows = [["Id", *HEADER, "y"], [""], *small()[1:]]
    rows[4][2] = "x"
    with pytest.raises(DataError, match="row 5, column X2: 'x' is not a number"):
        read_table(write_table(rows, newline="\r\n"))


@pytest.mark.parametrize("row", [1, 3, 5])
def test_rows_of_other_lengths_are_reported(row: int, write_table: WriteTable):
    for change, count, few in ((-1, 179, "few"), (1, 181, "many")):
        rows = small()
        rows[row] = rows[row][:-1] if change < 0 else [*rows[row], "9"]
        why = f"row {row + 1}: {count} cells, too {few}; the header has 180 columns"
        with pytest.raises(DataError, match=why):
            read_table(write_table(rows))


def test_rows_that_are_all_longer_than_the_header_are_refused(write_table: WriteTable):
    header, *rows = small()
    with pytest.raises(DataError, match="row 2: 180 cells, too many; the header has 179"):
        read_table(write_table([header[1:], *rows]))
    with pytest.raises(DataError, match="row 2: 181 cells, too many"):
        read_table(write_table([header, *([*row, ""] for row in rows)]))


@pytest.mark.parametrize(
    "name", ["X24.V1.7", "X0.V1.7", "X1V17", "7", "", "X1.V1.seven", " X1.V1.7"]
)
def test_a_malformed_id_is_reported(name: str, write_table: WriteTable):
    rows = small()
    rows[2][0] = name
    with pytest.raises(
        DataError, match=r"row 3, column 1: .*not an id.*X<chunk 1…23>.*remove the col"
    ):
        read_table(write_table(rows))


def test_a_duplicate_id_is_refused_but_two_classes_may_share_one(write_table: WriteTable):
    rows = small("11345")
    rows[2][0] = rows[1][0]
    with pytest.raises(DataError, match=r"row 3: the id X1.V1.0 occurs twice, first in row 2"):
        read_table(write_table(rows))
    rows[2][-1] = "2"
    assert len(read_table(write_table(rows)).y) == 5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda header: header[:-1], "column y missing in the header"),
        (lambda header: [name for name in header if name != "X9"], "column X9 missing"),
        (lambda header: header[:3], "column X3 and 176 more missing"),
        (lambda header: [*header, "extra"], "column 181, 'extra', is unknown or a duplicate"),
        (lambda header: [*header, "x9"], "column 181, 'x9', is unknown or a duplicate"),
        (lambda header: [header[0], "id", *header[1:]], "column 2, 'id', is unknown"),
        (lambda header: [";".join(header)], "column X1 and 178 more missing"),
    ],
)
def test_an_invalid_header_is_refused(change, why: str, write_table: WriteTable):
    header, *rows = small()
    with pytest.raises(DataError, match=f"row 1: {why}.*Allowed: an optional id column, then X1"):
        read_table(write_table([change(header), *rows]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \r\n\r\n", "the file is empty"),
        (gzip.compress(b""), "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a binary file"),
        (b"X1,X2\n\xff\xfe,1\n", "a binary file, or not UTF-8"),
        (gzip.compress(b"X1,X2\n\0\0"), "a binary file"),
    ],
)
def test_a_file_that_is_not_a_table_is_refused(content: bytes, why: str, tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=why):
        read_table(path)


def test_a_header_without_rows_is_refused(write_table: WriteTable):
    with pytest.raises(DataError, match="a header without rows"):
        read_table(write_table(small()[:1]))


def test_an_unclosed_quote_is_refused(write_table: WriteTable):
    rows = small()
    rows[2][4] = '"5'
    with pytest.raises(DataError, match="row 3"):
        read_table(write_table(rows))


@pytest.mark.parametrize("keep", [5, 0.5, -9])
def test_a_truncated_gzip_file_is_refused(keep: float, bonn: Bonn, write_table: WriteTable):
    path = write_table(bonn.table(), compress=True)
    content = path.read_bytes()
    end = int(keep * len(content)) if isinstance(keep, float) else keep
    path.write_bytes(content[:end])
    with pytest.raises(DataError, match="the gzip file is truncated or damaged"):
        read_table(path)


def test_a_gzip_file_with_a_changed_byte_is_refused(bonn: Bonn, write_table: WriteTable):
    path = write_table(bonn.table(), compress=True)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="truncated or damaged"):
        read_table(path)
