"""The wheel, installed into an empty environment: its types, its files, its description."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

import kerasnets as kn

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "kerasnets" / "report" / "page"
USER = """\
import kerasnets as kn

kn.profile(42, convention=3)
kn.load_data(7)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not (PAGE / "vendor").is_dir():
        pytest.skip("the JavaScript packages are not here; make page fetches them with npm")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_mypy_sees_the_types_of_the_installed_package(wheel, tmp_path):
    # The environment has nothing but the wheel: mypy needs no dependency to see our annotations.
    venv.create(tmp_path / "env", with_pip=False)
    (packages,) = tmp_path.glob("env/lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:  # what an installer does with a wheel of this kind
        archive.extractall(packages)
    names = [name for name in kn.__all__ if name != "__version__"]
    (tmp_path / "user.py").write_text(
        USER + "".join(f"reveal_type(kn.{name})\n" for name in names), "utf-8"
    )
    python = tmp_path / "env" / "bin" / "python"
    cache = tmp_path / "cache"
    environment = dict(os.environ)
    for name in ("PYTHONPATH", "MYPYPATH"):
        environment.pop(name, None)
    report = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--python-executable",
            python, "--cache-dir", cache, "user.py",
        ],
        # Elsewhere, mypy could find the sources in this repository instead of the wheel.
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "user.py:3: error: Argument" in report.stdout, report.stdout + report.stderr
    assert "user.py:4: error: Argument" in report.stdout
    assert "Found 2 errors in 1 file" in report.stdout
    assert "str" in re.search(r'note: Revealed type is "def \(pattern: (.*)', report.stdout)[1]
    assert len(re.findall("Revealed type", report.stdout)) == len(names)
    assert 'Revealed type is "Any"' not in report.stdout


def test_the_wheel_has_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "kerasnets/py.typed" in names
    assert "kerasnets/studies/claims.csv" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"kerasnets"}


def test_the_trained_nets_are_in_the_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
        sizes = [entry.file_size for entry in archive.infolist() if "/reference/" in entry.filename]
    program = (
        "import kerasnets as kn; print(kn.__file__)\n"
        "print([str(kn.load(name).path) for name in kn.list_reference_nets()])"
    )
    environment = dict(os.environ, PYTHONPATH=str(tmp_path))
    report = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    where, paths = report.stdout.splitlines()
    assert where == str(tmp_path / "kerasnets" / "__init__.py")
    names = kn.list_reference_nets()
    assert paths == str([f"{tmp_path}/kerasnets/reference/{name}.keras" for name in names])
    assert sum(sizes) < 3_000_000


def test_the_page_of_a_run_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("kerasnets/report/page/") for name in archive.namelist()}
    assert {"main.js", "page.css", "page.html", "vendor.json"} <= names
    packages = json.loads((PAGE / "vendor.json").read_text("utf-8")).values()
    assert {f"vendor/{f['name']}" for entry in packages for f in entry["files"].values()} <= names
    assert {"licences/onnxruntime-web.txt", "vendor/plot.LICENSE", "vendor/d3.LICENSE"} <= names
    assert wheel.stat().st_size < 8_000_000


def test_the_description_has_no_links_that_a_package_index_cannot_follow(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = BytesParser().parsebytes(archive.read(path))
    assert metadata["Description-Content-Type"] == "text/markdown"
    description = str(metadata.get_payload())
    assert "Small networks you can trust" in description
    targets = re.findall(r"\]\(([^)]+)\)", description)
    assert [target for target in targets if not target.startswith(("http", "#"))] == []
