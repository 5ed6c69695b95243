"""Files are unpacked up to a limit."""

from __future__ import annotations

import gzip
import io
import os
import tracemalloc

import pytest

from kerasnets.data import content as module
from kerasnets.data.content import open_unpacked, read_text_content, read_up_to
from kerasnets.data.tables.cells import DataError

TEXT = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(5_000))


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "data.csv.gz"
        path.write_bytes(content)
        return path

    return write


def test_plain_and_packed_files_have_the_same_content_whatever_their_name(file):
    members = gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]) + bytes(10)
    for packed in (TEXT, gzip.compress(TEXT), members):
        assert read_text_content(file(packed)) == TEXT
        assert read_text_content(file(packed), lines=3) == b"a,b\n0,0\n1,1\n"
    assert read_text_content(file(TEXT[:7]), lines=3) == TEXT[:7]
    assert read_text_content(file(b"")) == b""


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-1],
        lambda packed: packed[:2],
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:100] + b"\0\0\0\0" + packed[104:],
        lambda packed: packed[:-8] + b"\1\2\3\4" + packed[-4:],
        lambda packed: packed + b"trailing",
    ],
)
def test_damaged_gzip_files_are_refused(file, damage):
    path = file(damage(gzip.compress(TEXT)))
    with pytest.raises(DataError, match=r"data\.csv\.gz: the gzip file is truncated or damaged"):
        read_text_content(path)


def test_a_file_that_unpacks_to_too_much_is_refused_without_unpacking_it(file, monkeypatch):
    monkeypatch.setattr(module, "_ANY_RATIO", 2**20)
    bomb = file(gzip.compress(b"1,2\n" * 2**24, 1))  # 64 MB, in a few hundred kB
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"unpacks to more than .* bytes.*gunzip"):
            read_text_content(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**24
    monkeypatch.setattr(module, "MAX_UNPACKED", 2**20)
    with pytest.raises(DataError, match="more than 1,048,576 bytes"):
        read_text_content(bomb)


def test_a_usual_file_may_unpack_to_a_hundred_times_its_size(file, monkeypatch):
    monkeypatch.setattr(module, "_ANY_RATIO", 0)
    assert read_text_content(file(gzip.compress(TEXT))) == TEXT


def test_no_memory_is_reserved_for_bytes_that_do_not_exist(file):
    with open_unpacked(file(gzip.compress(TEXT))) as unpacked:
        assert read_up_to(unpacked, 2**50) == TEXT
    assert read_up_to(io.BytesIO(TEXT), 5) == TEXT[:5]


def test_devices_and_pipes_are_refused_at_once(tmp_path):
    (tmp_path / "zeros.csv").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("zeros.csv", "pipe.csv"):
        with pytest.raises(DataError, match=rf"{name}: a device, a pipe or a folder"):
            read_text_content(tmp_path / name)


def test_a_large_file_that_is_not_text_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "data.csv"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)  # takes no space on the disk
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"data\.csv: a binary file"):
            read_text_content(path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
