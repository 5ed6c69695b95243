from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kerasnets.data.eeg.bonn import CHUNKS, SAMPLES, canonical
from kerasnets.data.eeg.bonn_archives import find_sets, parse_recording, read_archives
from kerasnets.data.tables.cells import DataError
from tests.data.helpers import Bonn

LINES = [str(number % 7 - 3) for number in range(4097)]


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


@pytest.fixture
def archives(tmp_path: Path, bonn: Bonn) -> Path:
    return bonn.write_archives(tmp_path)


def read(folder: Path):
    return read_archives(find_sets(folder))


def test_recordings_are_divided_into_rows_of_178_without_the_last_3_samples(
    archives: Path, bonn: Bonn
):
    x, y, recordings, _ = read(archives)
    assert x.shape == (5 * bonn.recordings * CHUNKS, SAMPLES)
    expected = bonn.signals[:, :, : 4097 - 3].reshape(-1, SAMPLES)
    assert np.array_equal(x, expected)
    assert y.tolist() == np.repeat(range(5), bonn.recordings * CHUNKS).tolist()
    assert recordings is not None
    assert recordings[:: bonn.recordings * CHUNKS].tolist() == [
        f"{letter}001.TXT" for letter in "SFNOZ"
    ]


def test_folders_lower_case_names_and_other_files_are_accepted(tmp_path: Path, bonn: Bonn):
    (tmp_path / "zips").mkdir()
    expected = read(bonn.write_archives(tmp_path / "zips"))
    folder = tmp_path / "folders"
    folder.mkdir()
    bonn.write_folders(folder)
    (folder / "F").rename(folder / "f")
    (folder / "Z" / "inner").mkdir()
    (folder / "Z" / "Z001.txt").rename(folder / "Z" / "inner" / "z001.txt")
    (folder / "S" / "README.txt").write_text("Five sets of EEG")
    (folder / "S" / "._S001.txt").write_bytes(b"\0\5\x16")
    (folder / "S" / "S001.png").write_bytes(b"\x89PNG")
    (folder / "README").write_text("hello")
    for one, other in zip(canonical(read(folder)), canonical(expected), strict=True):
        assert np.array_equal(one, other)


def test_some_sets_may_be_archives_and_others_folders(archives: Path, bonn: Bonn):
    expected = read(archives)
    with zipfile.ZipFile(archives / "N.zip") as archive:
        archive.extractall(archives / "n")
    (archives / "N.zip").unlink()
    (archives / "S.zip").rename(archives / "s.ZIP")
    assert find_sets(archives)["N"] == archives / "n"
    assert np.array_equal(read(archives).x, expected.x)


def test_missing_sets_are_not_found(archives: Path):
    (archives / "S.zip").unlink()
    (archives / "O").write_text("a file, not a folder")
    assert sorted(find_sets(archives)) == ["F", "N", "O", "Z"]
    assert find_sets(archives)["O"] == archives / "O.zip"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (LINES[:-1], "4096 samples, too few; a recording has 4,097"),
        ([*LINES, "1"], "4098 samples, too many"),
        ([], "0 samples, too few"),
        (
            [*LINES[:9], "abc", *LINES[10:]],
            "row 10, column 1: 'abc' is not a number. Allowed: a fin",
        ),
        ([*LINES[:9], "", *LINES[10:]], "row 10, column 1: the cell is empty"),
        ([*LINES[:9], "nan", *LINES[10:]], "row 10, column 1: .*NaN"),
        ([*LINES[:9], "inf", *LINES[10:]], "row 10, column 1: 'inf' is infinite"),
        ([*LINES[:9], "1e39", *LINES[10:]], "row 10, column 1: '1e39' is infinite or beyond"),
        ([*LINES[:9], "1 2", *LINES[10:]], "row 10, column 1: '1 2' is not a number"),
        ([*LINES[:9], "1_0", *LINES[10:]], "row 10, column 1: '1_0' is not a number"),
    ],
)
def test_an_invalid_recording_is_reported_by_row(lines: list[str], why: str):
    with pytest.raises(DataError, match=f"^here.*(?:{why})"):
        parse_recording(text(lines), "here")


def test_a_recording_that_was_cut_in_its_last_line_is_refused():
    with pytest.raises(DataError, match=r"^here, row 4097: the last line does not end"):
        parse_recording(text([*LINES[:-1], "12"]).removesuffix(b"2\r\n"), "here")


def test_a_member_that_unpacks_to_too_much_is_refused(archives: Path):
    with zipfile.ZipFile(archives / "O.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("O099.txt", b"1\n" * 2**20)
    with pytest.raises(DataError, match=r"O\.zip, O099\.txt: unpacks to 2,097,152 bytes; at most"):
        read(archives)


@pytest.mark.parametrize("content", [b"\x89PNG\0\0", b"\0" * 4097, b"\xff\xfe1\0\r\0\n\0"])
def test_a_binary_recording_is_refused(content: bytes):
    with pytest.raises(DataError, match="here: a binary file"):
        parse_recording(content, "here")


def test_bytes_that_are_not_text_are_reported():
    with pytest.raises(DataError, match=r"here, row 1, column 1: .*is not a number"):
        parse_recording(b"\xff\xfe" + text(LINES), "here")


def test_line_ends_and_trailing_blank_lines_do_not_matter():
    expected = np.array(LINES, np.float32)
    for content in (
        text(LINES),
        "\n".join([*LINES, ""]).encode(),
        "\r".join([*LINES, ""]).encode(),
        text(LINES) + b"\r\n \r\n",
        b"\xef\xbb\xbf" + text(LINES),
    ):
        assert np.array_equal(parse_recording(content, "here"), expected)


def test_errors_contain_the_archive_and_the_file_in_it(archives: Path):
    with zipfile.ZipFile(archives / "O.zip", "a") as archive:
        archive.writestr("O007.txt", text(LINES[:100]))
    with pytest.raises(DataError, match=r"O\.zip, O007\.txt: 100 samples, too few"):
        read(archives)


@pytest.mark.parametrize("keep", [0, 10, 0.5, -30])
def test_a_truncated_archive_is_refused(archives: Path, keep: float):
    content = (archives / "N.zip").read_bytes()
    end = int(keep * len(content)) if isinstance(keep, float) else keep
    (archives / "N.zip").write_bytes(content[:end])
    with pytest.raises(DataError, match=r"N\.zip: the archive is truncated or damaged"):
        read(archives)


def test_an_archive_with_a_changed_byte_is_refused(archives: Path):
    content = bytearray((archives / "N.zip").read_bytes())
    content[len(content) // 4] ^= 0xFF
    (archives / "N.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"N\.zip: the archive is truncated or damaged"):
        read(archives)


def test_a_recording_of_another_set_is_refused(archives: Path):
    with zipfile.ZipFile(archives / "O.zip", "a") as archive:
        archive.writestr("Z099.txt", text(LINES))
    with pytest.raises(DataError, match=r"Z099.txt: a recording of set Z in the files of set O"):
        read(archives)


def test_two_recordings_with_one_name_are_refused(archives: Path):
    with zipfile.ZipFile(archives / "O.zip", "a") as archive:
        archive.writestr("again/o001.TXT", text(LINES))
    with pytest.raises(DataError, match="two recordings with this name"):
        read(archives)


def test_an_empty_set_is_refused(archives: Path):
    (archives / "Z.zip").unlink()
    (archives / "Z").mkdir()
    with pytest.raises(DataError, match=r"no recordings found. Expected files Z001.txt"):
        read(archives)
    shutil.copy(archives / "S.zip", archives / "Z" / "S001.zip")
    with pytest.raises(DataError, match="no recordings found"):
        read(archives)
