"""Run the test suite with each supported minor version of Keras.

python scripts/keras_versions.py
python scripts/keras_versions.py --only 3.13 -- tests/engine

The script builds one virtual environment per version, with a matching TensorFlow and the
extras dev and docs of this project, and runs pytest in each. Environments are reused until
pyproject.toml changes. At the end it prints one line per version. The exit code is 1 if any version
fails.

All versions together take several times as long as ``make test``, so they are not a part of it. In
CI, start one job per version every night and before each release, with ``--only VERSION``, and
cache the folder of environments with pyproject.toml as the key.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import subprocess
import sys
import time
import venv
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

# TensorFlow 2.20 needs Keras 3.10 or later, 2.21 needs 3.12 or later. Both are tested.
TENSORFLOW = {"3.11": "2.20", "3.12": "2.21", "3.13": "2.20", "3.14": "2.21", "3.15": "2.21"}


@dataclasses.dataclass(frozen=True)
class Result:
    """Outcome of the tests with one version of Keras."""

    version: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    ok: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    options = parse(arguments)
    results = []
    for version in options.only or TENSORFLOW:
        environment = options.folder / version
        print(f"== Keras {version}, TensorFlow {TENSORFLOW[version]}", flush=True)
        if build(version, environment):
            results.append(run_tests(version, environment, options.pytest))
        else:
            results.append(Result(version))
    print(table(results))
    return 0 if all(result.ok for result in results) else 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; arguments after ``--`` are for pytest."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="Arguments after -- are passed to pytest.",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(TENSORFLOW),
        help="a version to test; repeat it for several (default: all versions)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / ".keras-versions",
        help="folder of the virtual environments (default: .keras-versions in the project)",
    )
    parser.add_argument("pytest", nargs="*", metavar="PYTEST_ARGUMENT")
    return parser.parse_args(arguments)


def build(version: str, environment: Path) -> bool:
    """Build the environment of a version unless it is up to date; return whether it is usable."""
    packages = [
        f"keras=={version}.*",
        f"tensorflow=={TENSORFLOW[version]}.*",
        f"tensorflow-serving-api=={TENSORFLOW[version]}.*",
    ]
    installed = environment / "installed"
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contents = hashlib.sha256("\n".join([project, sys.version, *packages]).encode()).hexdigest()
    if installed.is_file() and installed.read_text(encoding="utf-8") == contents:
        return True
    venv.create(environment, clear=True, with_pip=True)
    pip = [python_of(environment), "-m", "pip", "install", "--quiet"]
    if subprocess.run([*pip, "--editable", f"{ROOT}[dev,docs]", *packages], check=False).returncode:
        return False
    # Written last, because an interrupted installation must not be used again.
    installed.write_text(contents, encoding="utf-8")
    return True


def run_tests(version: str, environment: Path, arguments: Sequence[str]) -> Result:
    """Run pytest in an environment."""
    report = environment / "report.xml"
    report.unlink(missing_ok=True)
    start = time.monotonic()
    code = subprocess.run(
        [python_of(environment), "-m", "pytest", f"--junitxml={report}", *arguments],
        cwd=ROOT,
        check=False,
    ).returncode
    seconds = time.monotonic() - start
    passed, failed, skipped = counts(report) if report.is_file() else (0, 0, 0)
    return Result(version, passed, failed, skipped, seconds, ok=code == 0)


def python_of(environment: Path) -> str:
    """Return the path of the interpreter of an environment."""
    return str(environment / "bin" / "python")


def counts(report: Path) -> tuple[int, int, int]:
    """Return the numbers of passed, failed and skipped tests in a JUnit report of pytest."""
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314  our own pytest wrote it
    tests, failed, skipped = 0, 0, 0
    for suite in suites:
        tests += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return tests - failed - skipped, failed, skipped


def table(results: Sequence[Result]) -> str:
    """Return a table with one line per version."""
    lines = [f"{'Keras':<7}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}"]
    for result in results:
        line = f"{result.version:<7}{result.passed:>8}{result.failed:>8}{result.skipped:>9}"
        line += f"{result.seconds:>9.0f}"
        lines.append(line if result.ok else f"{line}  FAILED")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
