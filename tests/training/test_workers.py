"""Two connected processes train as one does, and agree where they must."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

from kerasnets.nets import load_model
from kerasnets.training.launch import _free_ports
from kerasnets.training.stored import read_history, read_metrics
from tests.training import worker_trainings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def workers(folder):
    """The results of each of two workers."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in _free_ports(2))
    command = [sys.executable, "-m", "tests.training.worker_trainings", addresses]
    processes = [
        subprocess.Popen([*command, str(index), folder], stderr=subprocess.PIPE, text=True)
        for index in range(2)
    ]
    try:
        errors = [process.communicate(timeout=300)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)[-4000:]
    return [pickle.loads((folder / f"{index}.pickle").read_bytes()) for index in range(2)]


@pytest.mark.parametrize("name", worker_trainings.SAME)
def test_two_workers_train_as_one_process_does(name, workers):
    expected = worker_trainings.SAME[name](None)
    for worker in workers:
        result = worker[name]
        assert result["error"] == expected["error"]
        assert list(result["history"]) == list(expected["history"])
        for key, values in expected["history"].items():
            np.testing.assert_allclose(result["history"][key], values, rtol=1e-5, err_msg=key)
        if not expected["error"]:
            for ours, theirs in zip(result["variables"], expected["variables"], strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-6, rtol=1e-5)


def test_workers_have_equal_bits(workers):
    first, second = workers
    for name in {**worker_trainings.SAME, **worker_trainings.OTHER}:
        assert first[name]["history"] == second[name]["history"]
        for a, b in zip(first[name]["variables"], second[name]["variables"], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)
