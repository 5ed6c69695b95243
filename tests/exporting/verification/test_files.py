"""The checksums of an exported folder, and files that are not regular."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kerasnets.exporting.verification.runtimes.files import (
    checksum_failures,
    file_failures,
    write_checksums,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two files with checksums."""
    folder = tmp_path / "1"
    (folder / "variables").mkdir(parents=True)
    (folder / "card.json").write_bytes(b"{}")
    (folder / "variables" / "variables.index").write_bytes(b"\0\1")
    (folder / "verification.json").write_text("changes")
    write_checksums(folder)
    return folder


def test_the_checksums_are_those_of_sha256sum(folder: Path) -> None:
    expected = {
        "card.json": b"{}",
        "variables/variables.index": b"\0\1",
        "verification.json": b"changes",
    }
    assert (folder / "SHA256SUMS").read_text() == "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in expected.items()
    )
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (lambda f: (f / "card.json").write_bytes(b"[]"), "card.json: it was changed after the"),
        (lambda f: (f / "card.json").unlink(), "card.json: it is missing"),
        (lambda f: (f / "new").touch(), "new: it is not in SHA256SUMS, so it was added"),
        (lambda f: (f / "SHA256SUMS").write_text(""), "card.json: it is not in SHA256SUMS"),
        (
            lambda f: (f / "SHA256SUMS").write_text(f"{'0' * 64}  ../../etc/passwd\n"),
            "SHA256SUMS: line 1 is not a checksum and a name: '0",
        ),
        (
            lambda f: (f / "SHA256SUMS").write_text(f"{'0' * 64}  /etc/passwd\n"),
            "SHA256SUMS: line 1 is not a checksum and a name: '0",
        ),
        (lambda f: (f / "SHA256SUMS").write_text("x\n"), "SHA256SUMS: line 1 is not a checksum"),
    ],
)
def test_every_change_is_found(
    folder: Path, change: Callable[[Path], object], failure: str
) -> None:
    change(folder)
    assert next(checksum_failures(folder)).startswith(failure)


def test_hidden_files_and_the_result_are_covered(folder: Path) -> None:
    (folder / "verification.json").write_text("again")
    (folder / ".hidden").touch()
    assert [failure.partition(":")[0] for failure in checksum_failures(folder)] == [
        "verification.json",
        ".hidden",
    ]


def test_exports_without_checksums_and_those_of_an_older_version(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(lines[:-1]))
    assert list(checksum_failures(folder)) == []  # no checksum of verification.json
    (folder / "card.json").write_bytes(b"[]")
    (folder / "SHA256SUMS").unlink()
    assert list(checksum_failures(folder)) == []


def test_only_the_links_of_kubernetes_are_allowed(folder: Path) -> None:
    """Kubernetes mounts files as links to a hidden folder next to them."""
    mounted = folder / "..2026_11_25"
    mounted.mkdir()
    (folder / "card.json").rename(mounted / "card.json")
    (folder / "..data").symlink_to(mounted.name)
    (folder / "card.json").symlink_to("..data/card.json")
    assert list(file_failures(folder)) == []
    assert list(checksum_failures(folder)) == []
    (folder / "inside").symlink_to("verification.json")
    (folder / "folder").symlink_to("/etc")
    (folder / "broken").symlink_to("missing")
    assert sorted(file_failures(folder)) == [
        f"{name}: it is a link, not a file of the export" for name in ("broken", "folder", "inside")
    ]
