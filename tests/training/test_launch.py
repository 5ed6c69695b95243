"""``kerasnets launch`` starts local workers, and starts them again if one is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kerasnets.training.launch import free_ports, launch
from kerasnets.training.stored import read_environment, read_history

EPOCHS = 150


def worker_process(out: Path, index: int) -> int:
    """The process of a worker of a launched training."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().decode().split("\0")
        except OSError:  # the process has ended
            continue
        if str(out) in arguments and arguments[-3:-1] == ["--index", str(index)]:
            return int(path.parent.name)
    raise AssertionError(f"worker {index} is not running")


def test_a_killed_worker_is_replaced_and_the_training_goes_on(tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "kerasnets", "launch", "-n", "2", "--restarts", "1"]
    command += ["train", "digit-mlp-1", "--data", "digits", "--out", str(out), "--seed", "1"]
    command += ["--epochs", str(EPOCHS), "--batch-size", "256"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 300
        while not (out / "history.csv").is_file():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(worker_process(out, 1), signal.SIGKILL)
        printed, messages = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, messages
    assert printed.rstrip().endswith(str(out))
    assert "Worker 0 ends, because another worker ended or does not answer" in messages
    assert "a worker was lost; start 2 of at most 2" in messages
    first, second = read_environment(out)["sessions"]
    assert second["epochs"] == [first["epochs"][1] + 1, EPOCHS]
    assert first["epochs"][1] >= 1
    assert len(read_history(out)["loss"]) == EPOCHS


def test_wrong_input_is_not_tried_again(capfd):
    with pytest.raises(ValueError, match="exit code 2"):
        launch(["train", "digit-mlp-1", "--data", "digits"], 2)
    messages = capfd.readouterr().err
    assert messages.count("needs out") == 2
    assert "[worker 1] kerasnets: A training on several workers" in messages


@pytest.mark.parametrize(
    ("arguments", "processes", "restarts", "message"),
    [
        (["train", "xor"], 1, 0, "at least 2 processes"),
        (["train", "xor"], 2, -1, "at least 0"),
        (["export", "xor"], 2, 0, "launch runs a training"),
        ([], 2, 0, "launch runs a training"),
        (["train", "xor", "--index=1"], 2, 0, "launch sets --index itself"),
    ],
)
def test_wrong_arguments_are_refused(arguments, processes, restarts, message):
    with pytest.raises(ValueError, match=message):
        launch(arguments, processes, restarts)


def test_free_ports_differ():
    ports = free_ports(5)
    assert len(set(ports)) == 5
