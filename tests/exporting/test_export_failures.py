"""Exports that write nothing to the terminal, and exports that fail and leave no files behind.

The checks that need a process of their own share one, because importing TensorFlow takes seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kerasnets as kn
from kerasnets._lazy import keras, tf

# Steps: export without output; export while no file may be larger than 1,000 bytes, which stops
# every writer as a full disk does; export, as another user than root, to folders that are
# read-only.
PROGRAM = """
import json
import os
import resource
import signal
import sys
from pathlib import Path

import kerasnets as kn

place = Path(sys.argv[1])
net = kn.build("seizure-mlp")
kn.export(net, place / "quiet")
print("end of quiet export", flush=True)
print("end of quiet export", file=sys.stderr, flush=True)

def error_of(folder):
    try:
        kn.export(net, folder)
    except OSError as error:
        return [type(error).__name__, str(error)]

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
errors = {"full": error_of(place / "full" / "net")}
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
if os.getuid() == 0:
    os.setuid(65534)
for name in ("no-write", "no-access"):
    errors[name] = error_of(place / name / "net")
print(json.dumps(errors))
"""


@pytest.fixture(scope="module")
def finished() -> Iterator[tuple[Path, str, str]]:
    """The folder, standard output and standard error of the program."""
    # Not tmp_path, which only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        for folder, mode in {"full": 0o755, "no-write": 0o555, "no-access": 0o000}.items():
            (place / folder).mkdir()
            (place / folder).chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, name], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        for folder in ("no-write", "no-access"):
            (place / folder).chmod(0o755)
        yield place, done.stdout, done.stderr


def errors_of(finished: tuple[Path, str, str]) -> dict[str, Any]:
    return json.loads(finished[1].splitlines()[-1])


def test_a_successful_export_prints_nothing(finished: tuple[Path, str, str]) -> None:
    place, stdout, stderr = finished
    assert (place / "quiet" / "1" / "verification.json").is_file()
    assert stdout.startswith("end of quiet export")
    # TensorFlow 2.20 writes these lines whatever TF_CPP_MIN_LOG_LEVEL says.
    noise = ("I0000 ", "WARNING: All log messages before absl") if "2.20." in tf.__version__ else ()
    lines = [line for line in stderr.splitlines() if not line.startswith(noise or "\0")]
    assert lines[0] == "end of quiet export"


@pytest.mark.parametrize("folder", ["no-write", "no-access"])
def test_a_folder_without_permission_is_not_changed(
    finished: tuple[Path, str, str], folder: str
) -> None:
    kind, message = errors_of(finished)[folder]
    assert kind == "PermissionError"
    assert str(finished[0] / folder) in message
    assert list((finished[0] / folder).iterdir()) == []


def test_a_full_disk_leaves_no_files(finished: tuple[Path, str, str]) -> None:
    assert "File too large" in errors_of(finished)["full"][1]
    assert list((finished[0] / "full").iterdir()) == []


def test_a_disk_that_fills_up_during_an_export_leaves_no_files(tmp_path: Path) -> None:
    """The disk has 150 kB. Mounting it needs permission."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no permission to mount a small disk")
    try:
        with pytest.raises((OSError, tf.errors.OpError), match=r"No space left|space"):
            kn.export(kn.build("seizure-mlp-wide"), disk / "net")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_lambda_layer_is_rejected_by_name(tmp_path: Path) -> None:
    x = keras.Input((4,), name="x")
    layer = keras.layers.Lambda(lambda value: 2 * value, name="odd_one")
    inner = keras.Sequential([keras.Input((4,)), layer])
    with pytest.raises(ValueError, match=r"has Lambda layers.*'odd_one'.*keras\.ops"):
        kn.export(keras.Model(x, inner(x)), tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["3.10.0", "3.16.0", "3.15.0.dev20260101"])
def test_untested_keras_warns_and_must_be_verified(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verify_in_this_process: None
) -> None:
    monkeypatch.setattr(keras, "__version__", version)
    net = kn.build("seizure-mlp", units=(3,), samples=6)
    with pytest.warns(UserWarning, match=rf"Keras {version} is installed.*tested with Keras 3\.11"):
        folder = kn.export(net, tmp_path / "net", formats="saved_model")
    assert (folder / "verification.json").is_file()
    with pytest.raises(ValueError, match=rf"verify=False needs a tested .*{version} is installed"):
        kn.export(net, tmp_path / "unverified", verify=False)
    assert not (tmp_path / "unverified").exists()
