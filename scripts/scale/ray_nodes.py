"""Kill one of two local Ray nodes in mid-training, and compare all results with local ones.

    python scripts/scale/ray_nodes.py [--net mortality-gru] [--data mortality-simulated]
        [--data-option patients=2000] [--folds 3] [--seeds 2] [--epochs 20] [--out FOLDER]

The cross-validation first runs in one process of this machine. Then it runs on two Ray nodes with
one processor each. One of them is killed when the run on it has finished an epoch. Its run is
resumed on the other node. All files that depend on the training must have the same bits.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kerasnets as kn
from kerasnets._tables import text_table
from kerasnets.commands._shared import pairs

_FILES = ("recipe.toml", "history.csv", "model.keras", "metrics.json", "examples.npz")
_SECONDS = 600


def main() -> int:
    """Print a table; the exit code is 1 if a result is missing or differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--net", default="mortality-gru")
    parser.add_argument("--data", default="mortality-simulated")
    parser.add_argument("--data-dir")
    parser.add_argument("--data-option", action="append")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        out = options.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return compare(options, out.resolve())


def compare(options: argparse.Namespace, out: Path) -> int:
    """Run the cross-validation in both places, and compare."""
    arguments: dict[str, Any] = {
        "data": options.data,
        "data_dir": options.data_dir,
        "data_options": pairs(options.data_option),
        "folds": options.folds,
        "seeds": options.seeds,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "progress": False,
    }
    started = time.perf_counter()
    kn.cross_validate(options.net, out=out / "local", **arguments)
    local = time.perf_counter() - started
    with two_nodes() as (address, second):
        killed: dict[str, Any] = {}
        watcher = threading.Thread(
            target=kill_in_training, args=(out / "ray", second, killed), daemon=True
        )
        watcher.start()
        started = time.perf_counter()
        result = kn.cross_validate(options.net, out=out / "ray", on=address, **arguments)
        on_ray = time.perf_counter() - started
        watcher.join(5)
    same = hash_runs(out / "local") == hash_runs(out / "ray")
    runs = len(hash_runs(out / "ray"))
    rows = [
        ["runs", f"{runs} of {len(result.table)}"],
        ["failed", len(result.failed)],
        ["run on the killed node", killed.get("run", "none: no node was killed")],
        ["its epochs when the node was killed", killed.get("epochs", "")],
        ["sessions of that run", _sessions(out / "ray", killed)],
        ["same bits as one local process", "yes" if same else "NO"],
        ["seconds, one local process", f"{local:.0f}"],
        ["seconds, two nodes of which one was killed", f"{on_ray:.0f}"],
    ]
    print(text_table(["", ""], rows, "lr", box=False))
    return 0 if same and killed and not result.failed and runs == len(result.table) else 1


@contextlib.contextmanager
def two_nodes() -> Iterator[tuple[str, SecondNode]]:
    """Start two Ray nodes with one processor each on this machine.

    Yields:
        The address of the cluster, and the second node.
    """
    from ray.cluster_utils import Cluster

    # The workers import the same copy of this package.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path.cwd()), *sys.path]))
    os.environ["RAY_memory_monitor_refresh_ms"] = "0"  # noqa: SIM112  how Ray writes it
    port = free_port()
    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    cluster = Cluster(
        initialize_head=True,
        head_node_args={**node, "ray_client_server_port": port, "include_dashboard": False},
    )
    second = cluster.add_node(**node)
    try:
        yield f"ray://127.0.0.1:{port}", SecondNode(cluster, second)
    finally:
        cluster.shutdown()


class SecondNode:
    """The node that is killed."""

    def __init__(self, cluster: Any, node: Any) -> None:
        self.cluster, self.node = cluster, node
        self.raylet = node.all_processes["raylet"][0].process.pid

    def open_paths(self) -> list[Path]:
        """What the processes of this node have opened; a run folder is open to lock it."""
        paths = []
        for pid in _descendants(self.raylet):
            with contextlib.suppress(OSError):
                for link in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        paths.append(link.readlink())
        return paths

    def kill(self) -> None:
        """Kill all processes of the node."""
        self.cluster.remove_node(self.node, allow_graceful=False)


def kill_in_training(out: Path, node: SecondNode, killed: dict[str, Any]) -> None:
    """Kill the node when a run on it has finished an epoch."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        for folder in node.open_paths():
            history = folder / "history.csv"
            if folder.parent != out or not history.is_file():
                continue
            epochs = len(history.read_text(encoding="utf-8").splitlines()) - 1
            if epochs >= 1 and not (folder / "model.keras").is_file():
                node.kill()
                killed |= {"run": folder.name, "epochs": epochs}
                return
        time.sleep(0.02)


def hash_runs(out: Path) -> dict[str, str]:
    """The checksum of the files of each finished run that depend on its training."""
    hashes = {}
    for folder in sorted(path.parent for path in out.glob("*/metrics.json")):
        content = b"".join((folder / name).read_bytes() for name in _FILES)
        hashes[folder.name] = hashlib.sha256(content).hexdigest()
    return hashes


def free_port() -> int:
    """A port that no other process uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _sessions(out: Path, killed: dict[str, Any]) -> str:
    if not killed:
        return ""
    path = out / killed["run"] / "environment.json"
    sessions = json.loads(path.read_text(encoding="utf-8"))["sessions"]
    return ", ".join(f"epochs {first} to {last}" for first, last in (s["epochs"] for s in sessions))


def _descendants(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children = list(map(int, task.read_text().split()))
                found += children
                waiting += children
    return found


if __name__ == "__main__":
    sys.exit(main())
