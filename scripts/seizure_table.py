"""Train every seizure net on both splits of the real recordings and write the table of results.

    python scripts/seizure_table.py --data-dir FOLDER [--runs runs/seizure-table]

Finished runs are kept and interrupted ones resumed, so the script can be stopped at any time.
Writes docs/seizure-results.md.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import kerasnets as kn
from kerasnets.data import Dataset
from kerasnets.training import resume

# What S1, S2 and S5 state as validation accuracy, in percent, on rows split at random.
STATED = {
    "seizure-mlp (raw units, 5 epochs)": "23.5 (S1)",
    "seizure-mlp (raw units)": "25 (S5)",
    "seizure-mlp-two-hidden": "32 (S1)",
    "seizure-mlp-stepped": "70 (S2)",
    "seizure-mlp-wide": "65 (S5)",
    "seizure-gru-5": "62 (S1)",
    "seizure-bigru": "70 (S2)",
    "seizure-gru-stepped": "75 (S2)",
    "seizure-gru-2x32": "70 (S5)",
}
TARGET = Path(__file__).parents[1] / "docs" / "seizure-results.md"

INTRODUCTION = """\
# Every seizure net on the Bonn recordings

Made by `python scripts/seizure_table.py --data-dir FOLDER`: each net with its default recipe
(`kerasnets nets --json` shows where it differs from the general one), seed 0, the weights of the
epoch with the lowest validation loss. Accuracy in percent. "Best validation" is the highest
validation accuracy of any epoch, which is what the sources read off their curves; they split the
rows at random. Seconds are those of training on {cpus} cores, compilation included, while other
work ran on the same machine: an order of magnitude, not a benchmark.

By recording, the 23 rows cut from one recording stay on one side. By row, neighbours of a test row
are in the training split, and the score is flattered: **by {flattery:+.1f} points of test accuracy
on average over the nets** ({lowest:+.1f} to {highest:+.1f}).

| net | parameters | test, by recording | test, by row | rows flatter by | best validation, by row \
| sources state | seconds |
|---|---:|---:|---:|---:|---:|---|---:|
"""


def main() -> None:
    """Train what is not trained yet, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="where the real recordings are")
    parser.add_argument("--runs", type=Path, default=Path("runs/seizure-table"))
    arguments = parser.parse_args()
    data = {
        split: kn.load_data("seizure", data_dir=arguments.data_dir, split=split)
        for split in ("recording", "row")
    }
    raw = {"rescaling": "none"}
    entries = {
        "seizure-mlp (raw units, 5 epochs)": ("seizure-mlp", {**raw, "epochs": 5}),
        "seizure-mlp (raw units)": ("seizure-mlp", raw),
        **{name: (name, {}) for name in kn.list_nets("seizure-*")},
    }
    rows = {}
    for title, (net, settings) in entries.items():
        runs = {}
        for split, dataset in data.items():
            folder = arguments.runs / f"{re.sub('[^a-z0-9-]+', '-', title)}-{split}"
            print(f"{title}, {split}", flush=True)
            runs[split] = run_once(net, dataset, folder, settings)
        rows[title] = runs
    write(rows)


def run_once(net: str, data: Dataset, folder: Path, settings: dict[str, object]) -> kn.Run:
    """The run in the folder: as it is, resumed, or new."""
    if (folder / "recipe.toml").exists():
        return resume(folder, data=data, progress=False)
    return kn.train(net, data=data, out=folder, progress=False, **settings)


def write(rows: dict[str, dict[str, kn.Run]]) -> None:
    """Write the Markdown table."""
    lines, flatteries = [], []
    for title, runs in rows.items():
        tests = {split: 100 * run.metrics["test"]["accuracy"] for split, run in runs.items()}
        flattery = tests["row"] - tests["recording"]
        if "raw" not in title:
            flatteries.append(flattery)
        best = 100 * max(runs["row"].history["val_accuracy"])
        parameters = runs["row"].model.count_params()
        seconds = sum(run.seconds for run in runs.values()) / len(runs)
        lines.append(
            f"| `{title}` | {parameters:,} | {tests['recording']:.1f} | {tests['row']:.1f} | "
            f"{flattery:+.1f} | {best:.1f} | {STATED.get(title, '')} | {seconds:.0f} |"
        )
    introduction = INTRODUCTION.format(
        cpus=next(iter(rows.values()))["row"].environment["machine"]["cpus"],
        flattery=sum(flatteries) / len(flatteries),
        lowest=min(flatteries),
        highest=max(flatteries),
    )
    TARGET.write_text(introduction + "\n".join(lines) + "\n", encoding="utf-8")
    print(TARGET)


if __name__ == "__main__":
    main()
