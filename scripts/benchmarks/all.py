"""Run all speed benchmarks. Write docs/speed.json, the figure, and the tables in docs/speed.md.

    python scripts/benchmarks/all.py [--rounds 5] [--nets 'seizure-*'] [--only training] [--dry]

Needs torch, the extra ``bench``. The competitors take turns in every round, so that other work on
the machine affects all of them. The results are medians with quartiles. The ratios are ratios of
medians; above 1, kerasnets is faster. ``export_latency.py`` measures exported files.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import accuracy
import growth
import numpy as np
import start_up
import torch_nets
import training
from speed_figure import draw
from tables import tables, write_tables

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("training", "prediction", "accuracy", "start-up", "growth", "machine")


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nets", nargs="+", default=["*"], help="shell patterns")
    parser.add_argument(
        "--without-compile",
        action="store_true",
        help="do not try torch.compile, which saves minutes",
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "speed.json")
    parser.add_argument("--dry", action="store_true", help="print the tables, but write no files")
    arguments = parser.parse_args()
    nets = [net for pattern in arguments.nets for net in fnmatch.filter(torch_nets.NETS, pattern)]
    if arguments.without_compile:
        os.environ["BENCH_WITHOUT_COMPILE"] = "1"
    results: dict[str, Any] = {}
    if arguments.json.is_file():  # keep the results of parts and nets that are not measured now
        results = json.loads(arguments.json.read_text(encoding="utf-8"))
    results["machine"] = describe_machine() | {
        "nets": nets,
        "rounds": arguments.rounds,
        "torch.compile": not arguments.without_compile,
    }

    def write() -> None:
        """Called after each net and part, so that a stopped benchmark keeps its results."""
        if not arguments.dry:
            text = json.dumps(results, indent=1) + "\n"
            arguments.json.write_text(text, encoding="utf-8")
            write_tables(ROOT / "docs" / "speed.md", tables(results))
            draw(results, ROOT / "docs" / "images" / "speed.png")

    measure(arguments.only, nets, arguments.rounds, results, write)
    print(tables(results))


def measure(
    parts: tuple[str, ...],
    nets: list[str],
    rounds: int,
    results: dict[str, Any],
    write: Callable[[], None],
) -> None:
    """Measure each part, store the results by name of the part, and write them."""
    for part, competitors in (
        ("training", training.COMPETITORS),
        ("prediction", training.PREDICTORS),
    ):
        if part not in parts:
            continue
        # Sequences of visits are predicted in buckets, and PyTorch has nothing comparable.
        wanted = [net for net in nets if part == "training" or not net.startswith("mortality")]
        kept = {result["net"]: result for result in results.get(part, [])}
        for result in measure_nets(wanted, rounds, competitors):
            kept[result["net"]] = result
            results[part] = [kept[net] for net in torch_nets.NETS if net in kept]
            write()
    if "machine" in parts:
        results["limits"] = growth.machine_limits()
        results["bounds"] = growth.bounds(results["training"], results["limits"])
        write()
    others = {"start-up": start_up.measure, "growth": growth.measure, "accuracy": accuracy.measure}
    for name, part in others.items():
        if name in parts:
            results[name] = part(min(rounds, 3))
            write()


def measure_nets(
    nets: list[str], rounds: int, competitors: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Measure the throughput of each net."""
    workers = training.Workers()
    try:
        for net in nets:
            result = training.measure(workers, net, rounds, competitors)
            rates = {name: np.median(values) for name, values in result["rates"].items()}
            line = "  ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
            print(f"{net}: {line} samples/s", flush=True)
            yield result
    finally:
        workers.close()


def describe_machine() -> dict[str, Any]:
    """Processor, number of cores, load and versions."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        processor = next(line for line in lines if line.startswith("model name")).split(": ")[1]
    packages = ("kerasnets", "tensorflow", "keras", "torch", "numpy")
    return {
        "processor": processor,
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


if __name__ == "__main__":
    main()
