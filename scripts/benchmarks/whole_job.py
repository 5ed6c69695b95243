"""Seconds of the whole job, from process start to end, compared with a PyTorch script.

    python scripts/benchmarks/whole_job.py [--nets 'seizure-*'] [--data NAME] [--rounds 3]

kerasnets runs ``kerasnets train NET`` at its default settings. It also writes metrics with
intervals and figures. The script in torch_job.py loads the same data, trains the same net for the
same number of epochs with a DataLoader and batches of the same size, validates after every epoch,
saves the best state and prints its test accuracy. It runs with 1 thread and with all cores, and the
faster of the two counts. The competitors take turns in every round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import kerasnets as kn
from kerasnets._tables import markdown_table
from kerasnets.training.recipe import make_recipe

SCRIPT = Path(__file__).with_name("torch_job.py")


def main() -> None:
    """Measure, and print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nets", nargs="+", default=["*"], help="shell patterns")
    parser.add_argument("--data", help="default: the data set of each net")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="default: those of the recipe of each net")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    names = sorted({name for pattern in options.nets for name in kn.list_nets(pattern)})
    results = []
    for name in names:
        if (result := measure(name, options)) is None:
            continue
        results.append(result)
        print(markdown_row(result), file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    titles = ["net", "data", "epochs", "kerasnets, s", "PyTorch, s", "threads", "× PyTorch"]
    print(markdown_table(titles, [cells(result) for result in results]))


def measure(net: str, options: argparse.Namespace) -> dict[str, Any] | None:
    """Return the seconds of every competitor, one number per round.

    Returns:
        ``None`` if PyTorch has no such net.
    """
    import torch_nets

    if net not in torch_nets.NETS:
        return None
    given = {"epochs": options.epochs, "data": options.data}
    recipe = make_recipe(net, **{name: value for name, value in given.items() if value is not None})
    cores, data = os.cpu_count() or 1, available(recipe.data)
    job = [net, data, str(recipe.epochs), str(recipe.batch_size)]
    commands = {
        "kerasnets": [
            sys.executable, "-m", "kerasnets", "train", net, "--data", data,
            "--epochs", str(recipe.epochs),
            "--early-stopping", "0", "--out",  # as many epochs as the script
        ],
        **{
            f"torch {threads}": [sys.executable, str(SCRIPT), *job, str(threads)]
            for threads in sorted({1, cores})
        },
    }  # fmt: skip
    seconds: dict[str, list[float]] = {who: [] for who in commands}
    for _ in range(options.rounds):
        for who, command in commands.items():
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                subprocess.run([*command, f"{folder}/out"], check=True, capture_output=True)
                seconds[who].append(time.perf_counter() - started)
    return {"net": net, "data": data, "epochs": recipe.epochs, "seconds": seconds}


def available(data: str) -> str:
    """The name of the data set, or of its simulated stand-in where its files are missing."""
    try:
        kn.load_data(data)
    except FileNotFoundError:
        return f"{data}-simulated"
    return data


def cells(result: dict[str, Any]) -> list[str]:
    """The row of a result in the table."""
    medians = {who: statistics.median(values) for who, values in result["seconds"].items()}
    ours = medians.pop("kerasnets")
    best = min(medians, key=medians.__getitem__)
    return [
        result["net"], result["data"], str(result["epochs"]), f"{ours:.1f}",
        f"{medians[best]:.1f}", best.removeprefix("torch "), f"{medians[best] / ours:.1f}",
    ]  # fmt: skip


def markdown_row(result: dict[str, Any]) -> str:
    """The row of a result, as progress."""
    return " | ".join(cells(result))


if __name__ == "__main__":
    main()
