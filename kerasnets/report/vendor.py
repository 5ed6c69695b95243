"""The JavaScript packages of the page: onnxruntime-web, D3 and Observable Plot.

``make page`` fetches them in a checkout, and the wheel contains them. ``page/vendor.json`` pins
them; every file is checked before a page is made with it.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from kerasnets._files import read_json

PAGE = Path(__file__).resolve().parent / "page"
VENDOR = PAGE / "vendor"
RUNTIME = "ort.wasm.bundle.min.mjs"
WASM = "ort-wasm-simd-threaded.wasm.gz"
CHARTS = ("d3.min.js", "plot.umd.min.js")


def vendor_text(name: str) -> str:
    """Read a script or a licence; errors as in :func:`vendor_bytes`."""
    return vendor_bytes(name).decode()


def vendor_bytes(name: str) -> bytes:
    """Read a file of a JavaScript package, and check it.

    Args:
        name: its name in ``page/vendor/``. One that ends in ``.gz`` is returned compressed.

    Raises:
        FileNotFoundError: it was not fetched.
        ValueError: its content has another checksum than the pinned one.
    """
    path = VENDOR / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist. In a checkout, run make page, which fetches it with npm, "
            "and then install kerasnets again unless the installation is editable."
        )
    content = path.read_bytes()
    try:
        pinned = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError):
        pinned = b""  # damaged, so its checksum is wrong
    if hashlib.sha256(pinned).hexdigest() != _checksums()[name]:
        raise ValueError(
            f"{path} is damaged: its checksum is not the one in vendor.json. Remove it and run "
            "make page, or install kerasnets again."
        )
    return content


def _checksums() -> dict[str, str]:
    """The SHA-256 of each file, uncompressed, by its name in ``page/vendor/``."""
    packages = read_json(PAGE / "vendor.json").values()
    return {file["name"]: file["sha256"] for entry in packages for file in entry["files"].values()}


def versions() -> list[str]:
    """The packages with their versions, such as ``"d3@7.9.2"``."""
    return list(read_json(PAGE / "vendor.json"))


def licences() -> dict[str, str]:
    """The licence of each package, by its name; pages contain them."""
    return {
        # The package itself has no file with its licence.
        "onnxruntime-web": (PAGE / "licences" / "onnxruntime-web.txt").read_text("utf-8"),
        "Observable Plot": vendor_text("plot.LICENSE"),
        "D3": vendor_text("d3.LICENSE"),
    }
