"""LiteRT files with smaller weights: size, time, accuracy and agreement of dense and conv nets.

    python scripts/tables/litert.py --data-dir FOLDER [--nets NET …] [--json FILE]

The nets with reference weights in exported/ are used as they are; the others are first trained for
5 epochs. Accuracy and agreement (the share of the test examples for which a file predicts the class
of Keras) are those of the test split. A time is the median of 200 calls with one example and one
thread; the files of a net take turns. With --json, results are kept in a file, and nets that it has
are not measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from latency import times

import kerasnets as kn
from kerasnets._files import write_json
from kerasnets._tables import markdown_table, percent
from kerasnets.engine.sources import as_source
from kerasnets.exporting import weights_report
from kerasnets.exporting.litert.small_weights import write_small_litert
from kerasnets.exporting.litert.write_litert import write_litert
from kerasnets.exporting.samples import as_samples, random_samples
from kerasnets.exporting.signature import serve
from kerasnets.exporting.verification.cases import verification_cases
from kerasnets.exporting.verification.reference import write_reference
from kerasnets.exporting.verification.runtimes.litert_check import load_litert
from kerasnets.nets import load_model

ROOT = Path(__file__).resolve().parents[2]
NETS = (
    "seizure-cnn", "lenet5", "digit-cnn-compact", "seizure-mlp", "seizure-mlp-wide", "digit-mlp-1",
    "digit-mlp-3", "digit-cnn", "seizure-cnn-five-block",
)  # fmt: skip
KINDS = ("int8", "full-int8", "int16x8")
_ROWS = 500


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="has a folder per data set")
    parser.add_argument("--nets", nargs="+", default=list(NETS), metavar="NET")
    parser.add_argument("--json", type=Path, help="a file that keeps the results")
    arguments = parser.parse_args()
    kept = arguments.json
    found: dict[str, Any] = json.loads(kept.read_text()) if kept and kept.exists() else {}
    weights_report.MIN_AGREEMENT = 0  # also measure what an export refuses
    for name in arguments.nets:
        if name not in found:
            found[name] = measure(name, arguments.data_dir)
            print(name, found[name], flush=True)
        if kept:
            write_json(kept, found)
    titles = ["net", "weights", "kB", "ms", "accuracy", "agreement", "values kept"]
    rows = [row for name, entry in found.items() for row in cells(name, entry)]
    print(markdown_table(titles, rows, "llrrrrr"))


def measure(name: str, data_dir: Path) -> dict[str, Any]:
    """The figures of each file of a net."""
    data_name = kn.describe(name).data
    data = kn.load_data(data_name, data_dir / data_name)
    reference = ROOT / "exported" / name / "1" / "model.keras"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if reference.exists():
            model = load_model(reference)
        else:
            model = kn.train(name, data=data, epochs=5, out=folder / "run", progress=False).model
        served = serve(model, "classification")
        samples = random_samples(served)
        write_reference(
            served, verification_cases(served, samples), samples, folder / "reference.npz"
        )
        written = write_litert(served, folder / "model.tflite", {}, guarded=True)
        rows = np.random.default_rng(0).permutation(len(data.train.y))[:_ROWS]
        calibration = as_samples(served, as_source(data.train.x).take(np.sort(rows)))
        report = write_small_litert(
            served, folder / "model.tflite", KINDS, written, {}, calibration, data.test,
            guarded=True,
        )  # fmt: skip
        paths = [folder / entry["file"] for entry in report.values()]
        runs = [load_litert(path)[2] for path in paths]
        for entry, milliseconds in zip(report.values(), times(runs, samples, 200), strict=True):
            entry["ms"] = milliseconds
    return {"trained": not reference.exists(), "files": report}


def cells(name: str, entry: dict[str, Any]) -> list[list[str]]:
    """The rows of a net."""
    return [
        [
            name if kind == "float32" else "",
            kind,
            f"{figures['bytes'] / 1e3:,.0f}",
            f"{figures['ms']:.3f}",
            percent(figures["accuracy"]),
            percent(figures["agreement"]),
            f"{figures['kept_percent']:g} %" if "kept_percent" in figures else "",
        ]
        for kind, figures in entry["files"].items()
    ]


if __name__ == "__main__":
    main()
