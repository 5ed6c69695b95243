"""Every speed benchmark: tables, JSON, a figure and the tables in docs/speed.md.

    python scripts/benchmarks/all.py [--rounds 5] [--nets 'seizure-*'] [--only training] [--dry]

Needs torch, the extra ``bench``. Competitors take turns within every round, so that what else the
machine does hits all alike. Medians, with the quartiles behind them as spread; ratios are those of
medians, above 1 where ours is faster. The inference of exported files is measured by
``export_latency.py``.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

import accuracy
import growth
import numpy as np
import start_up
import torch_nets
import training
from tables import draw, tables, write_tables

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("training", "accuracy", "start-up", "growth", "machine")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nets", nargs="+", default=["*"], help="shell patterns")
    parser.add_argument(
        "--without-compile", action="store_true", help="try no torch.compile: minutes faster"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "speed.json")
    parser.add_argument("--dry", action="store_true", help="print the tables and write nothing")
    arguments = parser.parse_args()
    nets = [net for pattern in arguments.nets for net in fnmatch.filter(torch_nets.NETS, pattern)]
    if arguments.without_compile:
        os.environ["BENCH_WITHOUT_COMPILE"] = "1"
    results: dict[str, Any] = {}
    if arguments.json.is_file():  # parts that are not measured now stay as they were
        results = json.loads(arguments.json.read_text(encoding="utf-8"))
    results |= measured(arguments.only, nets, arguments.rounds)
    results["machine"] = describe_machine() | {
        "nets": nets,
        "rounds": arguments.rounds,
        "torch.compile": not arguments.without_compile,
    }
    print(tables(results))
    if not arguments.dry:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        write_tables(ROOT / "docs" / "speed.md", tables(results))
        draw(results, ROOT / "docs" / "images" / "speed")


def measured(parts: tuple[str, ...], nets: list[str], rounds: int) -> dict[str, Any]:
    """The results of each part by its name."""
    results: dict[str, Any] = {}
    if "start-up" in parts:
        results["start-up"] = start_up.measure(rounds)
    if "accuracy" in parts:
        results["accuracy"] = accuracy.measure(min(rounds, 3))
    if "training" in parts:
        results["training"] = trained(nets, rounds)
    if "growth" in parts:
        results["growth"] = growth.measure(rounds)
    if "machine" in parts:
        limits = growth.machine_limits()
        results["limits"] = limits
        if "training" in results:
            results["bounds"] = growth.bounds(results["training"], limits)
    return results


def trained(nets: list[str], rounds: int) -> list[dict[str, Any]]:
    """Training throughput of each net."""
    results, workers = [], training.Workers()
    try:
        for net in nets:
            results.append(training.measure(workers, net, rounds))
            rates = {name: np.median(values) for name, values in results[-1]["rates"].items()}
            line = "  ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
            print(f"{net}: {line} samples/s", flush=True)
    finally:
        workers.close()
    return results


def describe_machine() -> dict[str, Any]:
    """Processor, cores, load and versions."""
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
