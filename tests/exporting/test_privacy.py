"""No cell of a table of patients is in any file of an export, and a run folder is private."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kerasnets as kn
from kerasnets.cli import main

ROWS = 150


def patients() -> pd.DataFrame:
    """Three rows per patient; nearly every cell is unlike anything else."""
    rng = np.random.default_rng(0)
    person = np.arange(ROWS) // 3
    days = rng.permutation(np.arange(5_000, 5_000 + 37 * ROWS, 37))
    return pd.DataFrame(
        {
            "patient_name": [f"Quirin Xylander-{n}" for n in person],
            "record": [f"MRN/7x{n:05d}y" for n in person],
            "remark": [f"asked about Zzyzx Road {n}" for n in range(ROWS)],
            "town": np.where(person % 5 == 0, [f"Llanfairpwll-{n}" for n in person], "Bigcity"),
            "ward": np.where(np.arange(ROWS) % 2, "wardnorth", "wardsouth"),
            "admitted": (pd.Timestamp("1950-03-02") + pd.to_timedelta(days, "D")).strftime(
                "%Y-%m-%d"
            ),
            "income": rng.permutation(np.linspace(0.7, 1.3, ROWS)) * 7.3519e6 + rng.random(ROWS),
            "marker": np.exp(rng.normal(3, 1, ROWS)),
            "died": np.where(rng.random(ROWS) < 0.4, "did die", "did live"),
        }
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was trained from a file, by the command."""
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


def forms(table: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """The bytes that would reveal a cell that fewer than 5 rows have."""
    for name in table:
        counts = Counter(table[name])
        rare = [cell for cell in table[name] if counts[cell] < 5]
        for cell in rare:
            yield f"{name} {cell}", str(cell).encode()
            if isinstance(cell, float):
                yield f"{name} {cell} as float64", np.float64(cell).tobytes()
        if rare and isinstance(rare[0], float):
            # Statistics that are the value of a row. Four bytes of other cells occur by chance.
            for value in (min(rare), max(rare), float(np.quantile(rare, 0.5, method="lower"))):
                yield f"{name} {value} as float32", np.float32(value).tobytes()
    numbers = table[["income", "marker"]].to_numpy(np.float32)
    for row in numbers:
        yield f"income, marker {row}", row.tobytes()


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
