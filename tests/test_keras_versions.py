"""The script that runs the tests with each Keras version, without building environments."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kerasnets._patching import TESTED_KERAS

SCRIPT = Path(__file__).parents[1] / "scripts" / "keras_versions.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("keras_versions", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_runs_exactly_the_tested_versions(script: ModuleType) -> None:
    assert tuple(script.TENSORFLOW) == TESTED_KERAS


def test_arguments_after_two_dashes_go_to_pytest(script: ModuleType) -> None:
    options = script.parse(["--only", "3.13", "--only", "3.11", "--", "tests/engine", "-x"])
    assert options.only == ["3.13", "3.11"]
    assert options.pytest == ["tests/engine", "-x"]
    assert script.parse([]).pytest == []


def test_an_unknown_version_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--only", "3.10"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid choice: '3.10'" in done.stderr


def test_counts_are_read_from_a_report_of_pytest(script: ModuleType, tmp_path: Path) -> None:
    code = """
import pytest
def test_a(): pass
def test_b(): pass
def test_c(): pass
def test_d(): assert False
def test_e(broken): pass
@pytest.mark.skip
def test_f(): pass
@pytest.fixture
def broken(): raise KeyError
"""
    (tmp_path / "test_some.py").write_text(code)
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    subprocess.run(
        [*command, f"--junitxml={report}", "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    assert script.counts(report) == (3, 2, 1)


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("code", [0, 1])
def test_exit_code_is_1_if_any_version_fails(
    script: ModuleType,
    built: bool,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(script, "build", lambda version, environment: built or version == "3.11")
    monkeypatch.setattr(
        script,
        "run_tests",
        lambda version, environment, arguments: script.Result(version, 7, code, 2, 1.4, code == 0),
    )
    result = script.main(["--folder", str(tmp_path), "--only", "3.11", "--only", "3.12"])
    assert result == (0 if built and code == 0 else 1)
    header, first, second = capsys.readouterr().out.splitlines()[-3:]
    assert header.split() == ["Keras", "passed", "failed", "skipped", "seconds"]
    mark = ["FAILED"] if code else []
    assert first.split() == ["3.11", "7", str(code), "2", "1", *mark]
    if built:
        assert second.split() == ["3.12", "7", str(code), "2", "1", *mark]
    else:
        assert second.split() == ["3.12", "0", "0", "0", "0", "FAILED"]


def test_an_environment_is_built_once_and_again_after_a_change(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("first")
    commands: list[list[str]] = []

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, returncode=len(commands) == 1)

    def create(folder: Path, clear: bool, with_pip: bool) -> None:
        folder.mkdir(exist_ok=True)

    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script.subprocess, "run", run)
    monkeypatch.setattr(script.venv, "create", create)
    environment = tmp_path / "3.13"
    assert script.build("3.13", environment) is False  # pip fails the first time
    assert script.build("3.13", environment) is True
    assert script.build("3.13", environment) is True
    assert len(commands) == 2
    assert {"keras==3.13.*", "tensorflow==2.20.*"} <= set(commands[-1])
    (tmp_path / "pyproject.toml").write_text("second")
    assert script.build("3.13", environment) is True
    assert len(commands) == 3
