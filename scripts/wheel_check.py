"""Build the wheel, install it with its dependencies into new environments, and use it there.

    python scripts/wheel_check.py [--python 3.11 --python 3.13] [--folder FOLDER]

Every command runs in an empty folder outside of this repository, as a user would run it after
``pip install kerasnets``: help, nets, training, a trained reference net, export, verification, and
mypy on a program of the user. It prints one table per Python. The exit code is 1 if a step fails.
Installing TensorFlow takes a minute or more and 2 GB per environment, so this is not part of
``make test``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerasnets._tables import markdown_table

ROOT = Path(__file__).resolve().parents[1]
REFERENCE_NET = """\
import pathlib
import sys

import numpy as np

import kerasnets as kn

assert pathlib.Path(kn.__file__).is_relative_to(sys.prefix), kn.__file__
for name in kn.list_reference_nets():
    kn.load(name)
net = kn.load("seizure-spectral-small")
rows = np.random.default_rng(0).normal(0, 50, (3, 178)).astype("float32")
probabilities = net.predict(rows)
assert probabilities.shape == (3, 5), probabilities.shape
assert np.allclose(probabilities.sum(axis=1), 1), probabilities
print(f"{net.name}: {net.class_names[probabilities[0].argmax()]}")
"""
# mypy must find the wrong argument in the last line, and nothing else.
USER = """\
import kerasnets as kn

cost: int | None = kn.profile(kn.build("seizure-gru")).params
names: list[str] = kn.list_nets("seizure-*")
kn.load_data(7)
"""


@dataclass(frozen=True)
class Step:
    """One command of a user.

    Attributes:
        name: what is done.
        arguments: the command; the first is a program of the environment.
        expected: text that the output must contain.
        code: the exit code.
    """

    name: str
    arguments: Sequence[str]
    expected: str
    code: int = 0


STEPS = (
    Step("help", ["kerasnets", "--help"], "train"),
    Step("list of nets", ["kerasnets", "nets"], "seizure-spectral-small"),
    Step(
        "train xor",
        ["kerasnets", "train", "xor", "--epochs", "20", "--out", "runs/xor"],
        "accuracy",
    ),
    Step(
        "train digits",
        ["kerasnets", "train", "digit-mlp-1", "--data", "digits", "--epochs", "2",
         "--out", "runs/digits"],
        "accuracy",
    ),
    Step("evaluate", ["kerasnets", "evaluate", "runs/digits"], "accuracy"),
    Step("profile", ["kerasnets", "profile", "runs/digits"], "FLOPs"),
    Step("trained reference net", ["python", "net.py"], "seizure-spectral-small: "),
    Step("export", ["kerasnets", "export", "runs/digits", "--test"], "exported/digit-mlp-1/1"),
    Step("verify", ["kerasnets", "verify", "exported/digit-mlp-1"], "onnx"),
    Step(
        "mypy --strict",
        ["mypy", "--strict", "user.py"],
        'user.py:5: error: Argument 1 to "load_data" has incompatible type "int"',
        code=1,
    ),
)  # fmt: skip


def main() -> int:
    """Check the wheel with each Python, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", action="append", help="version or path; repeat it for several")
    parser.add_argument("--folder", type=Path, help="keep the environments in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wheel-") as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        wheel = build_wheel(Path(temporary))
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB", flush=True)
        results = [check(wheel, python, folder) for python in arguments.python or ("3.11", "3.13")]
    return 0 if all(results) else 1


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this repository."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check(wheel: Path, python: str, folder: Path) -> bool:
    """Install the wheel for one Python, run the steps, and print the table."""
    environment = folder / f"python-{Path(python).name}"
    work = environment / "work"
    start = time.monotonic()
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", python, environment], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", environment, wheel, "mypy"]
    subprocess.run(install, check=True)
    rows = [("installation", f"{time.monotonic() - start:.0f}", "ok")]
    work.mkdir()
    (work / "net.py").write_text(REFERENCE_NET, encoding="utf-8")
    (work / "user.py").write_text(USER, encoding="utf-8")
    for step in STEPS:
        seconds, problem = run(step, environment, work)
        rows.append((step.name, f"{seconds:.1f}", problem or "ok"))
    print(f"\n{version_of(environment)}\n")
    print(markdown_table(("step", "seconds", "result"), rows, "lrl"), flush=True)
    return all(result == "ok" for *_, result in rows)


def run(step: Step, environment: Path, work: Path) -> tuple[float, str]:
    """Run a step; return its seconds, and what is wrong."""
    program, *rest = step.arguments
    start = time.monotonic()
    done = subprocess.run(
        [environment / "bin" / program, *rest],
        cwd=work,
        env=user_environment(os.environ, work),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    output = done.stdout + done.stderr
    if done.returncode != step.code:
        return seconds, f"exit code {done.returncode}: {output[-2000:]}"
    if step.expected not in output:
        return seconds, f"{step.expected!r} is not in the output: {output[-2000:]}"
    return seconds, ""


def user_environment(variables: Mapping[str, str], work: Path) -> dict[str, str]:
    """The variables of a user who has neither this repository nor its data."""
    hidden = ("PYTHONPATH", "MYPYPATH", "VIRTUAL_ENV", "KERASNETS_DATA")
    kept = {name: value for name, value in variables.items() if name not in hidden}
    return kept | {"XDG_CACHE_HOME": str(work / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}


def version_of(environment: Path) -> str:
    """Python, Keras and TensorFlow of an environment."""
    code = (
        "import platform; from importlib.metadata import version; print(f'Python "
        "{platform.python_version()}', *(f'{n} {version(n)}' for n in ('keras', 'tensorflow')), "
        "sep=', ')"
    )
    done = subprocess.run(
        [environment / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
