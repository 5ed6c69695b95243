"""One training on several workers: equality with one process, traffic, accuracy, lost workers.

    python scripts/scale/distributed.py equality | ways | traffic | accuracy | lost  [--quick]

``equality`` compares the weights after 100 steps with those of one process. ``ways`` compares the
ways to sum a vector, see ``kerasnets/engine/vector_sums.py``. ``traffic`` measures the time and the
bytes per step, and computes from them what networks of other speeds would give.
``accuracy`` measures what is lost by exchanging less often. ``lost`` kills and stops workers, fills
the disk of the first one, and compares the resumed runs with undisturbed ones. All workers run on
this machine, in a network namespace of their own if ``unshare`` may make one, so that no other
traffic is counted. Prints Markdown tables; exit code 1 if a limit is exceeded.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from lost_workers import lost_workers

from kerasnets._tables import markdown_table
from kerasnets.engine.vector_sums import HUB_BYTES
from kerasnets.training.launch import free_ports

TASKS = Path(__file__).with_name("worker_tasks.py")
SIZES = (1, 2, 4)
NETS = ("seizure-mlp", "seizure-gru", "mortality-gru", "seizure-cnn")
TOLERANCE = 1e-7  # relative to the largest weight of each tensor, or absolute below 1
OVERHEAD = 1.3  # largest measured traffic, divided by 2 (workers - 1) · 4 bytes · parameters
VECTORS = (997, 2_949, 10_000, 21_000, 85_273)
# Name, bits per second, and seconds that one message takes.
NETWORKS = (("1 Gbit/s, 100 µs", 1e9, 1e-4), ("10 Gbit/s, 30 µs", 1e10, 3e-5))

Request = tuple[str, dict[str, Any]]


def run_workers(size: int, requests: list[Request]) -> list[dict[str, Any]]:
    """Run tasks on a number of workers, and return the results of the first one."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(size))
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "requests.json", Path(folder) / "results.json"
        asked.write_text(json.dumps(requests))
        logs = [(Path(folder) / f"{index}.log").open("w+") for index in range(size)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        processes = [
            subprocess.Popen(
                [sys.executable, TASKS, str(index), addresses, asked, answered],
                stderr=log,
                env=environment,
            )
            for index, log in enumerate(logs)
        ]
        with contextlib.ExitStack() as stack:
            for process in processes:
                stack.callback(process.kill)
            codes = [process.wait() for process in processes]
        for log in logs:
            log.seek(0)
        if any(codes):
            raise RuntimeError("\n".join(log.read()[-2000:] for log in logs))
        for log in logs:
            log.close()
        return list(json.loads(answered.read_text()))


def equality(*, quick: bool) -> bool:
    """Compare weights after 100 steps, and gradients of the CNN, with those of one process."""
    steps = 10 if quick else 100
    requests: list[Request] = [("train", {"net": net, "steps": steps}) for net in NETS[:3]]
    requests.append(("train", {"net": "seizure-cnn", "steps": steps, "optimizer": "sgd"}))
    requests.append(("gradient", {"net": "seizure-cnn"}))
    names = [f"{net}, Adam" for net in NETS[:3]]
    names += ["seizure-cnn, SGD", "seizure-cnn, gradient at equal weights"]
    results = {size: run_workers(size, requests) for size in SIZES}
    rows, good = [], True
    for at, name in enumerate(names):
        expected = results[1][at]["weights"]
        found = [_difference(results[size][at]["weights"], expected) for size in SIZES[1:]]
        good &= max(found) <= TOLERANCE
        rows.append([name, *(f"{value:.1e}" for value in found)])
    print(f"Largest difference to one process after {steps} steps, batch 32:\n")
    print(markdown_table(["net", *(f"{size} workers" for size in SIZES[1:])], rows))
    return good


def _difference(found: list[Any], expected: list[Any]) -> float:
    return max(
        float(np.abs(np.array(a) - np.array(b)).max()) / max(1.0, float(np.abs(b).max()))
        for a, b in zip(found, expected, strict=True)
    )


def ways(*, quick: bool) -> bool:
    """Measure milliseconds and bytes of each way to sum vectors of several sizes."""
    counts = VECTORS[:1] if quick else VECTORS
    rows, good = [], True
    for size in SIZES[1:]:
        results = run_workers(size, [("ways", {"parameters": count}) for count in counts])
        for count, result in zip(counts, results, strict=True):
            least = 2 * (size - 1) * 4 * count
            cells = [
                f"{ms:.2f} ({sent / least:.2f})" if ms else ""
                for ms, sent in (result.get(way, (0, 0)) for way in ("ring", "hub", "swap"))
            ]
            rows.append([str(size), f"{count:,}", *cells])
            chosen = "swap" if size == 2 else "hub"
            good &= result[chosen][1] <= OVERHEAD * least
    print("Milliseconds per sum, and bytes divided by the least possible ones:\n")
    print(markdown_table(["workers", "numbers", "ring", "hub", "swap"], rows, align="rrrrr"))
    return good


def traffic(*, quick: bool) -> bool:
    """Measure milliseconds and bytes per step, and compute other networks from them."""
    nets = NETS[:1] if quick else NETS
    steps = {"seizure-gru": 40, "mortality-gru": 40}
    speeds: list[Request] = [("speed", {"net": n, "steps": steps.get(n, 100)}) for n in nets]
    measured = {size: run_workers(size, speeds) for size in SIZES}
    rows, good = [], True
    for at, net in enumerate(nets):
        count = measured[1][at]["parameters"]
        ms = [f"{measured[size][at]['ms']:.2f}" for size in SIZES]
        sent = [measured[size][at]["bytes"] for size in SIZES[1:]]
        least = [2 * (size - 1) * 4 * count for size in SIZES[1:]]
        ratios = [a / b for a, b in zip(sent, least, strict=True)]
        good &= max(ratios) <= OVERHEAD
        shown = [f"{a:,.0f} ({r:.2f})" for a, r in zip(sent, ratios, strict=True)]
        rows.append([net, f"{count:,}", *ms, *shown])
    headers = ["net", "parameters", *(f"ms, {size}" for size in SIZES)]
    headers += [f"bytes, {size} (ratio)" for size in SIZES[1:]]
    print("Time and bytes per step of batch 32, by number of workers:\n")
    print(markdown_table(headers, rows, align="l" + "r" * (len(headers) - 1)))
    if not quick:
        # What one message costs on this machine, where the network takes no time.
        (result,) = run_workers(2, [("ways", {"parameters": VECTORS[0]})])
        software = result["swap"][0] / 1e3
        counts = {net: measured[1][at]["parameters"] for at, net in enumerate(nets)}
        _project(counts, software)
    return good


def _project(parameters: dict[str, int], software: float) -> None:
    """Compute, from measured steps of one process, what several machines would give.

    Args:
        parameters: number of weights by name of net.
        software: seconds that a message takes beside those of the network.
    """
    batches = (32, 512)
    requests: list[Request] = []
    for net in parameters:
        for batch in batches:
            shared = {"net": net, "steps": 20}
            requests.append(("speed", shared | {"batch": batch, "xla": "auto"}))
            requests += [("speed", shared | {"batch": batch // size}) for size in SIZES[1:]]
    results = iter(run_workers(1, requests))
    rows = []
    for net, count in parameters.items():
        for batch in batches:
            alone = next(results)["ms"]
            parts = {size: next(results)["ms"] for size in SIZES[1:]}
            factors = [
                alone / (part + 1e3 * exchange_seconds(count, size, bits, latency + software))
                for _, bits, latency in NETWORKS
                for size, part in parts.items()
            ]
            shown = [f"{value:.2f}" for value in (alone, *parts.values())]
            rows.append([net, str(batch), *shown, *(f"{factor:.2f}" for factor in factors)])
    headers = ["net", "batch", "ms alone", "ms, half", "ms, quarter"]
    headers += [f"{name}: {size} workers" for name, *_ in NETWORKS for size in SIZES[1:]]
    print(f"\nA message takes {1e3 * software:.2f} ms beside the time of the network.")
    print("Computed, not measured: how many times faster than one process the steps would be:\n")
    print(markdown_table(headers, rows, align="l" + "r" * (len(headers) - 1)))


def exchange_seconds(parameters: int, size: int, bits: float, latency: float) -> float:
    """Return the time of an exchange, see ``kerasnets/engine/vector_sums.py``."""
    seconds = 8 * 4 * parameters / bits  # of the whole vector
    if size == 2:  # swap
        return latency + seconds
    if (size - 1) * 4 * parameters <= HUB_BYTES:
        return 2 * (latency + (size - 1) * seconds)
    return 2 * (size - 1) * (latency + seconds / size)  # ring


def accuracy(*, quick: bool) -> bool:
    """Compare the accuracy on the digits of scikit-learn with the traffic, on two workers."""
    settings: list[dict[str, Any]] = [{}, {"accumulate": 2}, {"accumulate": 8}]
    settings += [{"average_every": steps} for steps in (2, 8, 32)]
    seeds = range(1 if quick else 3)
    epochs = 2 if quick else 30
    base = {"net": "digit-mlp-1", "epochs": epochs, "optimizer": "adam"}
    requests: list[Request] = [
        ("accuracy", base | {"seed": seed} | each) for each in settings for seed in seeds
    ]
    results = run_workers(2, requests)
    rows = []
    for at, each in enumerate(settings):
        part = results[at * len(seeds) : (at + 1) * len(seeds)]
        name = ", ".join(f"{key}={value}" for key, value in each.items()) or "each batch"
        columns = [np.array([result[key] for result in part]) for key in ("accuracy", "loss")]
        sent = np.mean([result["bytes"] for result in part])
        rows.append([name, *(f"{c.mean():.4f} ± {c.std():.4f}" for c in columns), f"{sent:,.0f}"])
    headers = ["exchange", "validation accuracy", "validation loss", "bytes per batch"]
    print(f"digit-mlp-1 on the digits of scikit-learn, 2 workers, {epochs} epochs of batch 32,")
    print(f"mean and standard deviation of {len(seeds)} seeds:\n")
    print(markdown_table(headers, rows, align="lrrr"))
    return True


EXPERIMENTS = {
    "equality": equality, "ways": ways, "traffic": traffic, "accuracy": accuracy,
    "lost": lost_workers,
}  # fmt: skip


def main() -> int:
    """Run an experiment in a network namespace of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--quick", action="store_true", help="a small form, for tests")
    arguments = parser.parse_args()
    unshare = shutil.which("unshare")
    if unshare and not os.environ.get(_INSIDE):
        inside = os.environ | {_INSIDE: "1"}
        if subprocess.run([unshare, "-n", "true"], capture_output=True).returncode == 0:
            up = 'ip link set lo up && exec "$@"'
            command = [unshare, "-n", "sh", "-c", up, "sh", sys.executable, *sys.argv]
            return subprocess.run(command, env=inside).returncode
    return 0 if EXPERIMENTS[arguments.experiment](quick=arguments.quick) else 1


_INSIDE = "KERASNETS_OWN_NETWORK"

if __name__ == "__main__":
    sys.exit(main())
