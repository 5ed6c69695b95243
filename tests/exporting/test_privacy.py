"""No cell of a table of patients is in any file of an export, and a run folder is private."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets.cli import main
from tests.exporting.patients import ROWS, forms, patients


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, no_figures: None) -> Path:
    """A run that was trained from a file, by the command; no export has figures of it."""
    folder = tmp_path_factory.mktemp("private folder of Quirin")
    patients().to_csv(folder / "patients.csv", index=False)
    arguments = ["train", "covid-1", "--data", str(folder / "patients.csv"), "--target", "died"]
    arguments += ["--group", "record", "--drop", "patient_name", "--drop", "remark", "--quiet"]
    assert main([*arguments, "--epochs", "1", "--out", str(folder / "run")]) == 0
    return folder / "run"


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, and every member of those that are archives."""
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield from unpacked(str(file.relative_to(path)), file.read_bytes())


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, content
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from unpacked(f"{name}/{member}", archive.read(member))


@pytest.mark.usefixtures("verify_in_this_process")
def test_no_cell_leaves_with_an_export(run: Path, tmp_path: Path) -> None:
    trained = kn.load_run(run)
    path = kn.export(trained, tmp_path / "net", weights=("float16",), test=trained.load_data().test)
    files = dict(contents(tmp_path / "net"))
    names = {Path(name).name for name in files}
    assert {"card.json", "README.md", "model.onnx", "model.keras", "reference.npz",
            "saved_model.pb", "config.json"} <= names  # fmt: skip
    assert path.is_dir()
    everything = b"\n".join([*files.values(), *map(str.encode, files)])
    cells = list(forms(patients()))
    assert len(cells) > 9 * ROWS
    assert [what for what, content in cells if content in everything] == []
    # What many rows share is there, and so is what the model says.
    for text in (b"wardnorth", b"Bigcity", b"did live", b"patients.csv"):
        assert text in everything
    assert b"private folder of Quirin" not in everything


def test_a_run_folder_is_for_its_owner_only(run: Path, tmp_path: Path) -> None:
    assert run.stat().st_mode & 0o777 == 0o700
    assert (run / "examples.npz").stat().st_mode & 0o777 == 0o600
    out = tmp_path / "predictions.csv"
    out.touch(0o644)
    data = run.parent / "patients.csv"
    assert main(["predict", str(run), "--data", str(data), "--out", str(out)]) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text().count("\n") == ROWS + 1


def test_a_codebook_of_an_older_version_is_not_exported(run: Path) -> None:
    trained = kn.load_run(run)
    assert "Bigcity" in trained.provenance["codebook"]
    for column in trained.environment["data"]["codebook"]:
        del column["min_rows"]
    assert trained.provenance["codebook"].startswith("left out: the run is from an older version")
    assert len(trained.predict(patients())) == ROWS
