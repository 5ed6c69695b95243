"""Exports that cannot succeed: a clear error, and nothing half written."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets._lazy import keras, tf


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_that_cannot_be_written_stays_as_it_was(mode: int) -> None:
    """Root may write anywhere, so it becomes somebody else once all is imported."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place, "read-only")
        folder.mkdir()
        folder.chmod(mode)
        code = f"""
import os
import kerasnets as kn
net = kn.build("seizure-mlp")
kn.export(net, {str(Path(place, "first"))!r}, verify=False)
if os.getuid() == 0:
    os.setuid(65534)
try:
    kn.export(net, {str(folder / "net")!r})
except OSError as error:
    print(type(error).__name__, error)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.startswith("PermissionError"), done.stderr
        assert str(folder) in done.stdout
        folder.chmod(0o755)
        assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """No file may grow beyond 1,000 bytes, which stops every writer as a full disk does."""
    code = f"""
import resource
import signal
import kerasnets as kn
net = kn.build("seizure-mlp")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    kn.export(net, {str(tmp_path / "net")!r})
except OSError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_while_files_are_written_leaves_nothing(tmp_path: Path) -> None:
    """A disk of 150 kB, where mounting one is allowed; else files of 30,000 bytes at most."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs rights that are not here")
    try:
        with pytest.raises((OSError, tf.errors.OpError), match=r"No space left|space"):
            kn.export(kn.build("seizure-mlp-wide"), disk / "net")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_lambda_is_refused_by_name(tmp_path: Path) -> None:
    x = keras.Input((4,), name="x")
    odd = keras.layers.Lambda(lambda value: 2 * value, name="odd_one")
    inner = keras.Sequential([keras.Input((4,)), odd])
    with pytest.raises(ValueError, match=r"has Lambda layers.*'odd_one'.*keras\.ops"):
        kn.export(keras.Model(x, inner(x)), tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["3.10.0", "3.16.0", "3.15.0.dev20260101"])
def test_untested_keras_warns_and_must_be_verified(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras, "__version__", version)
    net = kn.build("seizure-mlp", units=(3,), samples=6)
    with pytest.warns(UserWarning, match=rf"Keras {version} is installed.*tested with Keras 3\.11"):
        folder = kn.export(net, tmp_path / "net", formats="saved_model")
    assert (folder / "verification.json").is_file()
    with pytest.raises(ValueError, match=rf"verify=False needs a tested .*{version} is installed"):
        kn.export(net, tmp_path / "unverified", verify=False)
    assert not (tmp_path / "unverified").exists()
