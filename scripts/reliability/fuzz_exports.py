"""Targets of the fuzzer: exported folders. Verification finds a change, or the outputs are equal.

Verification of a whole folder takes seconds, because TensorFlow and Keras are imported in a new
process. Therefore there are three targets:

- ``export``: a folder with checksums, as ``kn.export`` writes it. The files are read as far as
  ``kn.verify`` reads them before it runs them.
- ``export-onnx``: an ONNX file without checksums. Everything of ``kn.verify`` runs in this process.
- ``export-verify``: a folder with all formats without checksums. ``kn.verify`` itself runs, which
  takes seconds per case.
"""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing import Target, register

import kerasnets as kn
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.runtimes.check import read_expected

Files = dict[str, bytes]
TOLERANCE = 1e-5
ROWS = np.random.default_rng(0).normal(0, 100, (5, 6)).astype("float32")


@functools.cache
def _exported(formats: tuple[str, ...], keras_file: bool) -> Files:
    """The files of an exported version."""
    with tempfile.TemporaryDirectory() as work:
        net = kn.build("seizure-mlp", units=(3,), samples=6)
        version = kn.export(net, Path(work) / "net", formats, keras_file=keras_file, verify=False)
        return {
            path.relative_to(version).as_posix(): path.read_bytes()
            for path in sorted(version.rglob("*"))
            if path.is_file()
        }


def _without(files: Files, *names: str) -> Files:
    return {name: content for name, content in files.items() if name not in names}


def _old(files: Files) -> Files:
    """The files as earlier versions exported them, without checksums."""
    card = json.loads(files["card.json"])
    del card["checksums"]
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    return _without(files, "SHA256SUMS") | {"card.json": text.encode()}


def complete_folder() -> Files:
    """All files that have a checksum, and the checksums."""
    return _without(_exported(("saved_model", "onnx"), True), "verification.json")


def onnx_folder() -> Files:
    """The files that verification of an ONNX file reads."""
    files = _old(_exported(("onnx",), False))
    return {name: files[name] for name in ("card.json", "model.onnx", "reference.npz")}


def folder_without_checksums() -> Files:
    """All files that verification reads, without checksums."""
    unread = ("README.md", "verification.json", "request.json", "request.pbtxt")
    files = _without(_old(_exported(("saved_model", "onnx"), True)), *unread)
    return {name: files[name] for name in files if not name.startswith("assets.extra")}


def read_files(folder: Path) -> dict[str, bytes]:
    """Read a folder as ``kn.verify`` does before it runs the files.

    Raises:
        kn.VerificationError: verification reports a failure.
    """
    report = runtimes.Report()
    read_expected(folder, TOLERANCE, report)
    _raise_failures(folder, report.failures)
    return {name: (folder / name).read_bytes() for name in original_files({}, None)}


def check_onnx(folder: Path) -> dict[str, np.ndarray]:
    """Verify an ONNX file in this process, and return its outputs."""
    _raise_failures(folder, runtimes.check(folder, TOLERANCE).failures)
    return onnx_outputs(folder)


def verify(folder: Path) -> dict[str, np.ndarray]:
    """Verify a folder with ``kn.verify``, and return the outputs of the ONNX file."""
    # A copy, because verification writes its result.
    with tempfile.TemporaryDirectory() as work:
        copy = shutil.copytree(folder, Path(work) / folder.name)
        kn.verify(copy, timeout=100)
    return onnx_outputs(folder)


def onnx_outputs(folder: Path) -> dict[str, np.ndarray]:
    """The outputs of an ONNX file for fixed rows."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(folder / "model.onnx", options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"signal": ROWS}), strict=True))


def _raise_failures(folder: Path, failures: list[str]) -> None:
    if failures:
        raise kn.VerificationError(kn.Verification(folder, failures=failures))


def original_files(files: Files, values: Any) -> Files:
    """The original files, apart from their checksums: no change is allowed."""
    return _without(complete_folder(), "SHA256SUMS")


def same_outputs(make: Callable[[], Files]) -> Callable[[Files, Any], Any]:
    """The original outputs, or those that were found if they are within the tolerance."""

    @functools.cache
    def original() -> dict[str, np.ndarray]:
        with tempfile.TemporaryDirectory() as work:
            (Path(work) / "model.onnx").write_bytes(make()["model.onnx"])
            return onnx_outputs(Path(work))

    def read(files: Files, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        for name, expected in original().items():
            scale = max(1.0, float(np.abs(expected).max()))
            if name not in values or np.abs(values[name] - expected).max() > TOLERANCE * scale:
                return original()
        return values

    return read


register(Target("export", complete_folder, read_files, original_files))
register(Target("export-onnx", onnx_folder, check_onnx, same_outputs(onnx_folder), megabytes=1000))
register(
    Target(
        "export-verify",
        folder_without_checksums,
        verify,
        same_outputs(folder_without_checksums),
        seconds=150,
        megabytes=1000,
    )
)
