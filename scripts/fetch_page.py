"""Fetch the JavaScript packages of the report page, with npm: make page.

    python scripts/fetch_page.py

kerasnets/report/page/vendor.json pins each package and each of its files by SHA-256. The files are
written to kerasnets/report/page/vendor/, which git ignores and the wheel contains. The WebAssembly
file is compressed, because pages contain it in this form. Only the standard library is needed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "kerasnets" / "report" / "page"


def main() -> None:
    """Fetch what is missing."""
    manifest: dict[str, dict[str, Any]] = json.loads((PAGE / "vendor.json").read_text("utf-8"))
    vendor = PAGE / "vendor"
    vendor.mkdir(exist_ok=True)
    for package, entry in manifest.items():
        if all(is_there(vendor / file["name"], file["sha256"]) for file in entry["files"].values()):
            continue
        if shutil.which("npm") is None:
            sys.exit(f"npm is needed to fetch {package}, and is not installed.")
        with tempfile.TemporaryDirectory() as folder:
            unpack(fetch(package, entry["sha256"], Path(folder)), entry["files"], vendor)
        print(f"fetched {package}")


def is_there(path: Path, sha256: str) -> bool:
    """Whether a file exists with its pinned content."""
    if not path.is_file():
        return False
    content = path.read_bytes()
    try:
        return digest(gzip.decompress(content) if path.suffix == ".gz" else content) == sha256
    except (OSError, EOFError):  # not a complete gzip file
        return False


def fetch(package: str, sha256: str, folder: Path) -> Path:
    """Let npm download the archive of a package, and check it."""
    command = ["npm", "pack", package, "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    check(archive.read_bytes(), sha256, package)
    return archive


def unpack(archive: Path, files: dict[str, dict[str, str]], vendor: Path) -> None:
    """Write the pinned files of a package."""
    with tarfile.open(archive) as members:
        for name, file in files.items():
            member = members.extractfile(f"package/{name}")
            if member is None:
                sys.exit(f"{archive.name} has no file {name}.")
            content = member.read()
            check(content, file["sha256"], name)
            path = vendor / file["name"]
            if path.suffix == ".gz":
                content = gzip.compress(content, mtime=0)
            new = path.with_name(f".{path.name}.new")
            new.write_bytes(content)
            new.replace(path)


def check(content: bytes, sha256: str, name: str) -> None:
    """Refuse content with another checksum than the pinned one."""
    if digest(content) != sha256:
        sys.exit(f"{name} has the SHA-256 {digest(content)}; vendor.json pins {sha256}.")


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
