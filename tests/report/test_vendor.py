"""kerasnets.report.vendor and scripts/fetch_page.py: only pinned content is used."""

from __future__ import annotations

import gzip
import hashlib
import json
import runpy
import tarfile
from pathlib import Path

import pytest

from kerasnets.report import vendor

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """Copies of the files, which a test may damage."""
    for file in vendor.VENDOR.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(vendor, "VENDOR", tmp_path)
    return tmp_path


def test_the_files_are_the_pinned_ones():
    for package in json.loads((vendor.PAGE / "vendor.json").read_text("utf-8")).values():
        for file in package["files"].values():
            content = vendor.vendor_bytes(file["name"])
            if file["name"].endswith(".gz"):
                content = gzip.decompress(content)
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert set(vendor.licences()) == {"onnxruntime-web", "Observable Plot", "D3"}
    assert all("copyright" in text.lower() for text in vendor.licences().values())


@pytest.mark.parametrize("name", ["d3.min.js", vendor.WASM])
def test_a_changed_file_is_refused(copies, name):
    content = bytearray((copies / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copies / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        vendor.vendor_bytes(name)


def test_a_truncated_archive_is_refused(copies):
    path = copies / vendor.WASM
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="is damaged"):
        vendor.vendor_bytes(vendor.WASM)


def test_a_checkout_without_the_files_says_how_to_get_them(copies):
    (copies / "d3.min.js").unlink()
    with pytest.raises(FileNotFoundError, match="run make page"):
        vendor.vendor_text("d3.min.js")


def test_the_script_refuses_an_archive_or_a_file_with_other_content(tmp_path):
    script = runpy.run_path(str(ROOT / "scripts" / "fetch_page.py"))
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.js").write_text("let a;")
    archive = tmp_path / "a.tgz"
    with tarfile.open(archive, "w:gz") as members:
        members.add(tmp_path / "package", "package")
    sha256 = hashlib.sha256(b"let a;").hexdigest()
    for name in ("a.js", "a.js.gz"):
        script["unpack"](archive, {"a.js": {"name": name, "sha256": sha256}}, tmp_path)
        assert script["is_there"](tmp_path / name, sha256)
        assert not script["is_there"](tmp_path / name, "0" * 64)
    with pytest.raises(SystemExit, match=r"a\.js has the SHA-256"):
        script["unpack"](archive, {"a.js": {"name": "b.js", "sha256": "0" * 64}}, tmp_path)
    assert not (tmp_path / "b.js").exists()
