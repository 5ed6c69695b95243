"""Members of zip archives are read up to a limit."""

from __future__ import annotations

import zipfile

import pytest

from kerasnets.data import archive as module
from kerasnets.data.archive import read_members
from kerasnets.data.tables.cells import DataError


@pytest.fixture
def file(tmp_path):
    def write(*members, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in members:
                archive.writestr(name, content)
        return path

    return write


def everything(path, **options):
    return list(read_members(path, lambda name: not name.startswith("skip"), **options))


def test_wanted_members_are_read_in_order_of_their_names(file):
    path = file(("b", b"2"), ("skip", b"3"), ("a", b"1"))
    assert everything(path) == [("a", b"1"), ("b", b"2")]


def test_a_damaged_member_is_refused_even_if_it_is_not_wanted(file):
    path = file(("a", b"1"), ("skip", b"3"))
    content = path.read_bytes()
    second = content.index(b"PK\3\4", 4)
    path.write_bytes(content[:second] + b"PK\3\5" + content[second + 4 :])
    with pytest.raises(DataError, match=r"a\.zip: the archive is truncated or damaged"):
        everything(path)


def test_large_members_are_refused_before_they_are_unpacked(file, monkeypatch):
    path = file(("small", b"1"), ("large", bytes(2_000_000)))
    with pytest.raises(
        DataError, match=r"a\.zip, large: unpacks to 2,000,000 bytes; at most 1,000"
    ):
        everything(path, largest=1_000)
    monkeypatch.setattr(module, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(
        DataError, match=r"a\.zip: unpacks to 2,000,001 bytes; at most 1,000,000 are"
    ):
        everything(path, largest=10**9)
    stored = file(("large", bytes(2_000_000)), compression=zipfile.ZIP_STORED)
    assert len(everything(stored, largest=10**9)[0][1]) == 2_000_000


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_with_one_name_are_refused(file):
    with pytest.raises(DataError, match=r"a\.zip, a: there are two members with this name"):
        everything(file(("a", b"1"), ("a", b"2")))


def test_a_member_that_is_larger_than_its_header_says_is_refused(file):
    path = file(("a", b"1" * 1_000))
    content = path.read_bytes().replace((1_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(DataError, match="the archive is truncated or damaged"):
        everything(path)


def test_encrypted_and_unknown_archives_are_refused(file):
    content = file(("a", b"1" * 100)).read_bytes()
    local, central = content.index(b"PK\3\4"), content.index(b"PK\1\2")
    for offset, value in ((6, 1), (8, 99)):  # the flag of encryption, an unknown compression
        damaged = bytearray(content)
        damaged[local + offset] = damaged[central + offset + 2] = value
        path = file()
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.zip: the archive is truncated or damaged"):
            everything(path)


def test_a_missing_archive_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.zip"):
        everything(tmp_path / "none.zip")
