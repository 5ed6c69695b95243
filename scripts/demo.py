"""Train, evaluate, count, export and verify a network.

    python scripts/demo.py [NET] [--out FOLDER] [--epochs N]

Trains on the real Bonn recordings if they are in $KERASNETS_DATA or in the user cache, where
`kerasnets data fetch seizure` puts them, and otherwise on simulated recordings. It prints which.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import kerasnets as kn
from kerasnets._tables import percent
from kerasnets.commands._metrics import metrics_text
from kerasnets.data.figures.traces import example_traces
from kerasnets.evaluation.figures import save_figure


def main() -> int:
    """Run all steps and print where the results are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("net", nargs="?", default="seizure-cnn")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    folder = unused_folder(arguments.out)
    started = time.perf_counter()

    heading(1, "Data")
    data = seizure_data()
    rows = ", ".join(f"{len(split):,} {name}" for name, split in data.splits.items())
    print(f"{data.name}: {rows} rows, split by {data.split}")

    heading(2, f"Train {arguments.net}")
    run = kn.train(arguments.net, data=data, epochs=arguments.epochs, out=folder / "run")
    save_figure(example_traces(data), folder / "run" / "figures" / "example_traces")

    heading(3, "Evaluate")
    print(metrics_text(run, run.metrics))

    heading(4, "Count")
    cost = kn.profile(run.model)
    print(cost)

    heading(5, "Export")
    version = kn.export(run, folder / "exported" / run.name)
    print(version)

    heading(6, "Verify")
    for runtime, difference in kn.verify(version).max_abs_diff.items():
        print(f"{runtime:<12} largest difference from Keras {difference:.1e}")

    heading(7, f"Done in {time.perf_counter() - started:.0f} s")
    simulated = " (simulated recordings: do not quote this number)" if data.simulated else ""
    accuracy = percent(run.metrics["test"]["accuracy"])
    print(f"accuracy  {accuracy} of {data.name}'s test rows{simulated}")
    print(f"cost      {cost.params:,} parameters, {cost.flops:,} FLOPs per row")
    print(f"figures   {run.folder / 'figures'}")
    print(f"run       {run.folder}")
    print(f"to serve  {version}")
    return 0


def seizure_data() -> kn.Dataset:
    """Load the real recordings if their files exist, else simulated ones."""
    try:
        return kn.load_data("seizure")
    except FileNotFoundError:
        print("The real recordings were not found; kerasnets data fetch seizure downloads them.")
        print("Using simulated recordings.")
        return kn.load_data("seizure-simulated")


def unused_folder(folder: Path) -> Path:
    """Return the folder if it does not exist, else the first numbered one that does not."""
    number, path = 1, folder
    while path.exists():
        number += 1
        path = folder.with_name(f"{folder.name}-{number}")
    return path


def heading(number: int, text: str) -> None:
    """Print the title of a step."""
    print(f"\n[{number}/7] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
