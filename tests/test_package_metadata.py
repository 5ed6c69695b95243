"""scripts/package_metadata.py: project links and the README from the address of the repository."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = ("pyproject.toml", "README.md", "LICENSE", "scripts/package_metadata.py")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "scripts" / "package_metadata.py"))


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://example.org/owner/name", "https://example.org/owner/name"),
        ("https://example.org/owner/name.git", "https://example.org/owner/name"),
        ("https://example.org/owner/name/", "https://example.org/owner/name"),
        ("https://user:secret@example.org/owner/name.git", "https://example.org/owner/name"),
        ("git@example.org:owner/name.git", "https://example.org/owner/name"),
        ("ssh://git@example.org:2222/owner/name.git", "https://example.org/owner/name"),
        ("ssh://git@git.example.org/group/owner/name", "https://git.example.org/group/owner/name"),
        ("", None),
        ("/home/me/name", None),
        ("../name.git", None),
        ("file:///home/me/name.git", None),
        ("https://localhost/owner/name", None),
        ("https://192.168.1.7/owner/name", None),
        ("git@server:owner/name.git", None),
        ("https://example.org/", None),
    ],
)
def test_a_public_remote_gives_an_address_without_secrets(script, remote, address):
    assert script["public_address"](remote) == address


def test_links_are_completed_or_left_out(script):
    text = "[a](docs/a.md#part) [b](https://example.org) [c](#part)\n![d](docs/d.png)\n"
    assert script["complete_links"](text, None) == "a [b](https://example.org) [c](#part)\n"
    assert script["complete_links"](text, "https://h.org/o/n") == (
        "[a](https://h.org/o/n/blob/HEAD/docs/a.md#part) [b](https://example.org) [c](#part)\n"
        "![d](https://h.org/o/n/raw/HEAD/docs/d.png)\n"
    )


def test_the_metadata_of_a_checkout_with_a_remote_and_of_a_folder_without_git(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    before = metadata(tmp_path)
    assert "urls" not in before
    targets = re.findall(r"\]\(([^)]+)\)", before["readme"]["text"])
    assert [target for target in targets if not target.startswith(("http", "#"))] == []

    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    assert "urls" not in metadata(tmp_path)  # no remote yet
    remote = ["remote", "add", "origin", "git@example.org:owner/kerasnets.git"]
    subprocess.run(["git", "-C", tmp_path, *remote], check=True)
    after = metadata(tmp_path)
    address = "https://example.org/owner/kerasnets"
    assert after["urls"]["Repository"] == address
    assert all(url.startswith(address) for url in after["urls"].values())
    # Every file that the README links to is where the completed link says.
    links = re.findall(rf"\]\({address}/(?:blob|raw)/HEAD/([^)#]+)", after["readme"]["text"])
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []
    for url in after["urls"].values():
        if "/HEAD/" in url:
            assert (ROOT / url.partition("/HEAD/")[2]).exists()


def metadata(folder: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "hatchling", "metadata"]
    report = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(report.stdout)
