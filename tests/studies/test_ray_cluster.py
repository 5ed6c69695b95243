"""Ray: addresses without a cluster, and a node that is killed in mid-training."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets.cli import main

ROOT = Path(__file__).parents[2]
SMALL = (
    "--net xor --data xor-simulated --data-option points=2000 --batch-size 8 --folds 2 --seeds 1 "
    "--epochs 60"
)


@pytest.fixture
def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        yield found.getsockname()[1]  # bound, but nobody listens


def test_an_unreachable_cluster_is_reported_before_any_work(closed_port, tmp_path, capsys):
    pytest.importorskip("ray")
    place = f"ray://127.0.0.1:{closed_port}"
    with pytest.raises(ConnectionError, match=rf"No Ray cluster answers at {place}: .*refused"):
        kn.cross_validate("xor", folds=2, out=tmp_path / "cv", on=place, progress=False)
    command = ["train", "xor", "--folds", "2", "--on", place, "--out", str(tmp_path / "cv")]
    assert main([*command, "--quiet"]) == 2
    assert f"--ray-client-server-port={closed_port}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_node_is_killed_in_mid_training(tmp_path):
    """All results are there, with the bits of one local process."""
    pytest.importorskip("ray")
    script = ROOT / "scripts" / "scale" / "ray_nodes.py"
    ended = subprocess.run(
        [sys.executable, script, *SMALL.split(), "--out", tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        timeout=400,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 of 2" in ended.stdout
