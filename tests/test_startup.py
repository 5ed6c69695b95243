"""What a new process imports, prints and finds.

Importing the package and asking for help import nothing heavy, and TensorFlow starts quietly. The
checks that import TensorFlow share one process, because that takes seconds.
"""

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


def test_a_stream_and_the_client_of_a_server_need_no_converter():
    heavy = {*HEAVY, "onnx", "tf2onnx", "sympy", "scipy", "cryptography"} - {"numpy"}
    answer = python(
        "import sys, kerasnets as kn; kn.Stream\nfrom kerasnets.exporting import predict\n"
        f"print([name for name in {sorted(heavy)!r} if name in sys.modules])"
    )
    assert answer.stdout == "[]\n"


def test_tensorflow_starts_quietly_and_every_layer_and_convention_is_found(tmp_path):
    files = []
    for name in ("mortality-gru", "seizure-spectral-small", "digit-cnn-compact"):
        files.append(str(tmp_path / f"{name}.keras"))
        kn.build(name).save(files[-1])
    answer = python(f"""
import sys
from kerasnets.nets import load_model
print([load_model(path).name for path in {files}])  # layers of our own are known
import kerasnets as kn
net = kn.build("seizure-mlp")
print(net.count_params(), kn.profile(net).flops)
print("kerasnets.studies" in sys.modules)
print(kn.profile(net, convention="s2").flops)  # a convention of the studies
import gc
print(gc.isenabled(), gc.get_freeze_count() > 10**5)  # on again, without the objects of TensorFlow
""")
    names = "['mortality-gru', 'seizure-spectral-small', 'digit-cnn-compact']"
    flops = 2 * 178 * 16 + 4 * 16 + 2 * 16 * 5
    assert answer.stdout == f"{names}\n2949 {flops}\nFalse\n5904\nTrue True\n"
    assert answer.stderr == ""


def test_a_failing_import_is_not_silent():
    code = (
        "import sys\nsys.modules['tensorflow.python'] = None\n"
        "import kerasnets as kn\n"
        "try: kn.build('seizure-mlp')\nexcept ImportError as error: print('caught', error)"
    )
    assert python(code).stdout.startswith("caught ")


def test_the_public_names_exist():
    import kerasnets.exporting.export_model  # a module must not replace the function ``export``

    for name in kn.__all__:
        assert getattr(kn, name) is not None
    assert set(kn.__all__) <= set(dir(kn))
    assert kn.exporting.export is kn.export is kerasnets.exporting.export_model.export
    assert all(callable(getattr(kn.exporting, name)) for name in dir(kn.exporting))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = kn.trian
