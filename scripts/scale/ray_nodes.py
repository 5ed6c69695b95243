"""Kill one of two local Ray nodes in mid-training, and compare all results with local ones.

    python scripts/scale/ray_nodes.py [folds] [search] [reproduce] [--quick]

Each study first runs in one process after the other of this machine. Then it runs on two Ray nodes
with one processor each. One of them is killed when a training on it has saved an epoch. That
training is resumed on the other node. All files that depend on a training must have the same bits.
Prints a Markdown table; exit code 1 if a result is missing or differs.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kerasnets as kn
from kerasnets._tables import markdown_table
from kerasnets.studies.reproduce import reproduce
from kerasnets.studies.search import search
from kerasnets.studies.space import Hyperparameter
from kerasnets.training.model_file import last_checkpoint, read_state

HEADERS = [
    "study", "trainings", "killed in", "after epoch", "sessions of it", "missing or other bits",
    "s, local", "s, two nodes",
]  # fmt: skip
_FILES = ("recipe.toml", "history.csv", "model.keras", "metrics.json", "examples.npz")
_SECONDS = 600.0  # at most, until a training on the second node has saved an epoch

Study = Callable[[Path, str | None], object]


def folds(*, quick: bool) -> Study:
    """A cross-validation."""
    net, options = ("mortality-gru", {"patients": 2000})
    data, settings = "mortality-simulated", {"epochs": 20}
    if quick:
        net, data, options = "xor", "xor-simulated", {"points": 2000}
        settings = {"epochs": 60, "batch_size": 8}

    def run(out: Path, on: str | None) -> object:
        return kn.cross_validate(
            net, data=data, data_options=options, folds=2 if quick else 3, seeds=1 if quick else 2,
            out=out, on=on, progress=False, **settings,
        )  # fmt: skip

    return run


def search_settings(*, quick: bool) -> Study:
    """A search. Trials of TPE depend on the order in which trainings end, so it is left out."""
    space = [Hyperparameter("learning_rate", 1e-3, 0.3, log=True)]
    net, data, trials = ("xor", "xor-simulated", 2) if quick else ("digit-mlp-1", "digits", 6)
    settings: dict[str, Any] = {"epochs": 60, "batch_size": 8} if quick else {"epochs": 60}
    if quick:
        settings["data_options"] = {"points": 2000}

    def run(out: Path, on: str | None) -> object:
        return search(
            net, space, samplers=("grid",) if quick else ("grid", "random"), trials=trials,
            data=data, out=out, on=on, jobs=2, progress=False, **settings,
        )  # fmt: skip

    return run


def reproduce_parts(*, quick: bool) -> Study:
    """Parts of a reproduction; not its test run, whose trainings of one epoch cannot be resumed."""
    parts = ["covid", "search"] if quick else ["covid", "search", "rain", "principles"]

    def run(out: Path, on: str | None) -> object:
        return reproduce(parts, out=out, on=on, jobs=None if on else 1)

    return run


STUDIES = {"folds": folds, "search": search_settings, "reproduce": reproduce_parts}


def compare(name: str, run: Study, out: Path) -> list[str]:
    """Run a study in both places. Return a row of the table."""
    started = time.perf_counter()
    run(out / "local", None)
    local = time.perf_counter() - started
    killed: dict[str, Any] = {}
    with two_nodes() as (address, second):
        watcher = threading.Thread(
            target=kill_in_training, args=(out / "ray", second, killed), daemon=True
        )
        watcher.start()
        started = time.perf_counter()
        run(out / "ray", address)
        on_ray = time.perf_counter() - started
        second.stop_watching.set()
        watcher.join()
    expected, found = hash_runs(out / "local"), hash_runs(out / "ray")
    wrong = [folder for folder in {*expected, *found} if expected.get(folder) != found.get(folder)]
    return [
        name,
        str(len(expected)),
        killed.get("run", "no node was killed"),
        str(killed.get("epochs", "")),
        _sessions(out / "ray", killed),
        str(len(wrong)),
        f"{local:.0f}",
        f"{on_ray:.0f}",
    ]


@contextlib.contextmanager
def two_nodes() -> Iterator[tuple[str, SecondNode]]:
    """Start two Ray nodes with one processor each on this machine.

    Yields:
        The address of the cluster, and the second node.
    """
    before = dict(os.environ)
    # Ray reads these when it starts. Its processes import the same copy of this package.
    root = str(Path(kn.__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    # Without support for forks, fewer processes of Ray die when they are forked:
    # https://github.com/ray-project/ray/issues/63202
    os.environ |= {"RAY_memory_monitor_refresh_ms": "0", "RAY_USAGE_STATS_ENABLED": "0",
                   "GRPC_ENABLE_FORK_SUPPORT": "0"}  # fmt: skip
    from ray.cluster_utils import Cluster

    handler = signal.getsignal(signal.SIGTERM)  # Ray replaces it
    port = free_port()
    # The monitors would be four more processes, which scale the cluster and forward messages.
    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 * 2**20,
                            "include_log_monitor": False, "no_monitor": True}  # fmt: skip
    cluster = Cluster(
        initialize_head=True,
        head_node_args={**node, "ray_client_server_port": port, "include_dashboard": False},
    )
    try:
        yield f"ray://127.0.0.1:{port}", SecondNode(cluster, cluster.add_node(**node))
    finally:
        cluster.shutdown()
        signal.signal(signal.SIGTERM, handler)
        os.environ.clear()
        os.environ.update(before)


class SecondNode:
    """The node that is killed."""

    def __init__(self, cluster: Any, node: Any) -> None:
        """Find the process from which all others of the node are started."""
        self.cluster, self.node = cluster, node
        self.raylet = int(node.all_processes["raylet"][0].process.pid)
        self.stop_watching = threading.Event()

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
    """Kill the node when a training on it has saved an epoch."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and not node.stop_watching.wait(0.02):
        for folder in node.open_paths():
            checkpoint = last_checkpoint(folder)
            if out not in folder.parents or not checkpoint.is_file():
                continue
            epochs = read_state(checkpoint).epochs
            if epochs >= 1 and not (folder / "model.keras").is_file():
                node.kill()
                killed |= {"run": str(folder.relative_to(out)), "epochs": epochs}
                return


def hash_runs(out: Path) -> dict[str, str]:
    """The checksum of the files of each finished run that depend on its training."""
    hashes = {}
    for folder in sorted(path.parent for path in out.rglob("metrics.json")):
        paths = [folder / name for name in _FILES]
        content = b"".join(path.read_bytes() for path in paths if path.is_file())
        hashes[str(folder.relative_to(out))] = hashlib.sha256(content).hexdigest()
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
    return ", ".join("epochs {} to {}".format(*session["epochs"]) for session in sessions)


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


def main() -> int:
    """Print a table with one row per study."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("studies", nargs="*", help="folds, search, reproduce; default: all")
    parser.add_argument("--quick", action="store_true", help="a small form, for tests")
    options = parser.parse_args()
    if unknown := set(options.studies) - set(STUDIES):
        parser.error(f"unknown study {min(unknown)!r}; allowed: {', '.join(STUDIES)}")
    rows = []
    for name in options.studies or STUDIES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(compare(name, STUDIES[name](quick=options.quick), Path(folder).resolve()))
    print(markdown_table(HEADERS, rows, align="lrlrlrrr"))
    return 0 if all(row[3] and row[5] == "0" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
