"""Importing the package and asking for help import nothing heavy, and TensorFlow starts quietly."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kerasnets as kn

HEAVY = ("tensorflow", "keras", "numpy", "pandas", "matplotlib", "sklearn", "pydantic")


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import kerasnets",
        "import kerasnets.cli",
        "from kerasnets.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from kerasnets.cli import main; main(['nets'])",
    ],
)
def test_nothing_heavy_is_imported(statement):
    answer = python(
        f"import sys\n{statement}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    assert answer.stderr == "[]\n"


def test_tensorflow_starts_without_messages():
    answer = python("import kerasnets as kn; print(kn.build('seizure-mlp').count_params())")
    assert answer.stdout == "2949\n"
    assert answer.stderr == ""


def test_a_failing_import_is_not_silent():
    code = (
        "import sys\nsys.modules['tensorflow.python'] = None\n"
        "import kerasnets as kn\n"
        "try: kn.build('seizure-mlp')\nexcept ImportError as error: print('caught', error)"
    )
    assert python(code).stdout.startswith("caught ")


def test_the_public_names_exist():
    for name in kn.__all__:
        assert getattr(kn, name) is not None
    assert set(kn.__all__) <= set(dir(kn))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = kn.trian
