"""Ray: addresses without a cluster, and two local nodes of which one is killed in mid-training."""

from __future__ import annotations

import functools
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets._errors import WriteError
from kerasnets.cli import main
from kerasnets.studies.executors import open_executor, run_jobs
from kerasnets.studies.local_processes import JobDiedError
from kerasnets.studies.reproduce import reproduce
from kerasnets.studies.search import search
from kerasnets.studies.space import Hyperparameter
from tests.studies.job_functions import add, describe, die_first, fail, fill_disk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "scale"))

import ray_nodes

SPACE = [Hyperparameter("learning_rate", 1e-3, 0.3, log=True)]


@pytest.fixture
def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        yield found.getsockname()[1]  # bound, but nobody listens


def test_an_unreachable_cluster_is_reported_before_any_work(closed_port, tmp_path, capsys):
    place = f"ray://127.0.0.1:{closed_port}"
    out = tmp_path / "out"
    for start in (
        lambda: kn.cross_validate("xor", folds=2, out=out, on=place, progress=False),
        lambda: search("xor", SPACE, out=out, on=place, progress=False),
        lambda: reproduce(["rain"], out=out, on=place),
    ):
        with pytest.raises(ConnectionError, match=rf"No Ray cluster answers at {place}: .*refused"):
            start()
    command = ["train", "xor", "--folds", "2", "--on", place, "--out", str(out)]
    assert main([*command, "--quiet"]) == 2
    assert f"--ray-client-server-port={closed_port}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# Ray does not close the log files of the nodes that it starts.
@pytest.mark.filterwarnings("ignore:.*unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_two_nodes_of_which_one_is_killed_in_mid_training(tmp_path, no_figures):
    """In one test, because the nodes take seconds to start.

    Cross-validations and parts of ``reproduce`` run through the same executor; the script
    ``ray_nodes.py`` runs them too.
    """
    options = {"trials": 2, "samplers": ("grid",), "data_options": {"points": 2000}, "epochs": 40,
               "batch_size": 8, "progress": False}  # fmt: skip
    killed = {}
    with ray_nodes.two_nodes() as (address, second):
        handler = signal.getsignal(signal.SIGTERM)
        with open_executor(address, None, max_retries=1) as executor:
            check_jobs(executor, tmp_path)
        # Ray's own handler would end the command without saving the last epoch.
        assert signal.getsignal(signal.SIGTERM) is handler
        out = tmp_path / "on-ray"
        watcher = threading.Thread(target=ray_nodes.kill_in_training, args=(out, second, killed))
        watcher.start()
        try:
            found = search("xor", SPACE, out=out, on=address, **options)
        finally:
            second.stop_watching.set()
            watcher.join()
    first, resumed = kn.load_run(out / killed["run"]).environment["sessions"]
    # From a checkpoint; the killed process may have begun to write the next one.
    assert 2 <= resumed["epochs"][0] <= first["epochs"][1] + 1
    assert resumed["epochs"][1] == 40
    here = search("xor", SPACE, out=tmp_path / "here", **options)
    assert found.table["score"].equals(here.table["score"])
    assert ray_nodes.hash_runs(out) == ray_nodes.hash_runs(tmp_path / "here")
    assert len(ray_nodes.hash_runs(out)) == 2


def check_jobs(executor, folder):
    """Results, errors, and processes that die."""
    assert executor.capacity() == 2
    numbers = functools.partial(next, ((number, (number, 1)) for number in range(5)), None)
    ended = {job: future.result() for job, future in run_jobs(executor, add, numbers)}
    assert ended == {0: 1, 1: 2, 2: 3, 3: 4, 4: 5}
    answers = executor.run_everywhere(describe, "data")
    assert list(answers.values()) == [{"name": "data"}] * 2
    with pytest.raises(ValueError, match=r"^as it was raised$"):
        executor.submit(fail, "as it was raised").result()
    with pytest.raises(WriteError, match=r"runs/a was not written: the disk is full\."):
        executor.submit(fill_disk).result()
    with pytest.raises(JobDiedError, match="its process died 2 times"):
        executor.submit(die_first, folder / "always", 99).result()
    assert len((folder / "always").read_text()) == 2
