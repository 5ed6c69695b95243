"""LiteRT files of every net, with all kinds of weights, next to ONNX Runtime.

    python scripts/tables/litert.py --data-dir FOLDER [--nets 'seizure-*'] [--write]

Nets with reference weights in exported/ are used as they are; the others are first trained for 5
epochs. Accuracy and agreement (the share of the examples for which a file predicts the class of
Keras) are those of up to 1,000 random examples of the test split. A time is the median of up to 200
calls with one example and one thread; the files of a net take turns. The results are kept in
docs/export-litert.json (or --json), and nets that it has are not measured again; --again measures
them anew. --write writes the tables to docs/export-litert.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from latency import times
from runtimes import run_onnx

import kerasnets as kn
from kerasnets._files import write_json
from kerasnets._tables import markdown_table, percent
from kerasnets.engine.sources import as_source
from kerasnets.exporting import weights_report
from kerasnets.exporting.litert.small_weights import KINDS, write_small_litert
from kerasnets.exporting.litert.write_litert import INTEGER_ACTIVATIONS, write_litert
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.samples import Arrays, as_samples, random_samples
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.verification.cases import verification_cases
from kerasnets.exporting.verification.reference import write_reference
from kerasnets.exporting.verification.runtimes import largest_case, read_reference
from kerasnets.exporting.verification.runtimes.litert_check import load_litert
from kerasnets.nets import load_model

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from reference_artifacts import NETS as REFERENCES  # noqa: E402  # from the folder above

PAGE = ROOT / "docs" / "export-litert.md"
# The data sets of nets without reference weights, where they are not those of the net.
DATA = {"covid": "covid-simulated", "mimic3": "eicu"}
ONNX, FLOAT32 = "ONNX Runtime", "float32"
COLUMNS = (ONNX, FLOAT32, *KINDS)
_CALIBRATION = 500
_TEST = 1_000
_EPOCHS = 5
_SECONDS = 10  # for the times of a net, at most
INTRODUCTION = """\
# Smaller weights in LiteRT

**Of {count} nets, {float16} keep the class of at least {least} of the test examples with
`float16` weights, {int8} with `int8` weights, {int16x8} with `int16x8` and {full_int8} with
`full-int8`.**

```sh
python scripts/tables/litert.py --data-dir FOLDER --write
```

- "ONNX Runtime" is `model.onnx`, the other columns are LiteRT files with these weights: `float16`
  and `int8` only store the weights in fewer bytes; `full-int8` and `int16x8` also compute in
  integers, of 8 and 16 bits.
- The agreement is the share of the test examples (at most {test:,}, at random) for which a file
  predicts the class of Keras. An export refuses a file below {least}: these are in parentheses.
  "refused" without a number: LiteRT cannot compute these operators in integers.
- \\*: the first and the last layer compute in float32, and large activations are clipped
  ([how](exporting.md#litert)).
- Sizes are in kB (1,000 bytes). Times are medians of up to 200 calls with one example and one
  thread, in milliseconds. The files of a net take turns. Other programs were running on the
  machine, so compare the times of a row with each other.
- {reference} nets have the weights in `exported/`. The others were trained for {epochs} epochs, on
  the data that the first table names, so their accuracy is not that of the net.

{machine}

"""


def main() -> None:
    """Measure the nets, print the tables, and write them to the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="has a folder per data set")
    parser.add_argument("--nets", nargs="+", default=["*"], metavar="NET", help="shell patterns")
    parser.add_argument("--json", type=Path, default=PAGE.with_suffix(".json"))
    parser.add_argument("--again", action="store_true", help="also measure nets that it has")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    kept = arguments.json
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    weights_report.MIN_AGREEMENT, least = 0, weights_report.MIN_AGREEMENT
    for name in sorted({name for pattern in arguments.nets for name in kn.list_nets(pattern)}):
        if name not in found or arguments.again:
            found[name] = measure(name, arguments.data_dir)
            write_json(kept, found)
            print(name, found[name], flush=True)
    text = page(found, least)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


def measure(name: str, data_dir: Path | None) -> dict[str, Any]:
    """The figures of each file of a net."""
    reference = next((entry for entry in REFERENCES if entry.net == name), None)
    usual = kn.describe(name).data
    source = (reference and reference.data) or DATA.get(usual, usual)
    data = kn.load_data(source, data_dir, **(reference.options if reference else {}))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if reference:
            model = load_model(ROOT / "exported" / name / "1" / "model.keras")
        else:
            run = kn.train(
                name, data=data, epochs=_EPOCHS, out=folder / "run", progress=False, figures=False
            )
            model = run.model
        files = measure_files(serve(model), data, folder)
    return {"data": source, "reference": reference is not None, "files": files}


def measure_files(served: Served, data: kn.Dataset, folder: Path) -> dict[str, Any]:
    """The figures of each file by its column, or why there is no such file."""
    calibration = as_samples(served, some(data.train, _CALIBRATION).x)
    test = some(data.test, _TEST)
    samples = random_samples(served, calibration)
    reference = folder / "reference.npz"
    write_reference(served, verification_cases(served, samples), samples, reference)
    onnx = folder / "model.onnx"
    write_onnx(served, onnx, guarded=True)
    runs: dict[str, Callable[[Arrays], Arrays]] = {ONNX: run_onnx(onnx)}
    outputs = read_reference(reference)
    largest = largest_case(outputs)
    cases = {largest: outputs[largest]}
    found: dict[str, Any] = {
        ONNX: weights_report.measure_file(served, onnx, runs[ONNX], cases, test)
    }
    litert = folder / "model.tflite"
    written = write_litert(served, litert, {}, guarded=True)
    stored = [kind for kind in KINDS if kind not in INTEGER_ACTIVATIONS]
    for kinds in (stored, *([kind] for kind in INTEGER_ACTIVATIONS)):
        try:
            report = write_small_litert(
                served, litert, kinds, written, {}, calibration, test, guarded=True
            )
        except ValueError as error:
            found |= {kind: {"refused": str(error)} for kind in kinds}
        else:
            found = report | found
    runs |= {
        column: load_litert(folder / found[column]["file"])[2]
        for column in COLUMNS
        if column != ONNX and "file" in found[column]
    }
    add_times(found, runs, samples)
    return {column: found[column] for column in COLUMNS}


@dataclass(frozen=True)
class Examples:
    """Some examples of a split."""

    x: Any
    y: np.ndarray


def some(split: Any, count: int) -> Examples:
    """Random examples of a split, or all if there are fewer."""
    rows = np.sort(np.random.default_rng(0).permutation(len(split.y))[:count])
    return Examples(as_source(split.x).take(rows), np.asarray(split.y)[rows])


def add_times(
    found: dict[str, Any], runs: dict[str, Callable[[Arrays], Arrays]], samples: Arrays
) -> None:
    """Add the median milliseconds of a call to the figures of each file."""
    timed = list(runs.values())
    turn = sum(times(timed, samples, 3)) / 1e3
    calls = max(20, min(200, int(_SECONDS / turn)))
    for column, milliseconds in zip(runs, times(timed, samples, calls), strict=True):
        found[column]["ms"] = milliseconds


def page(found: dict[str, Any], least: float) -> str:
    """The content of the page."""
    passed = {
        kind: sum(entry["files"][kind].get("agreement", 0) >= least for entry in found.values())
        for kind in KINDS
    }
    introduction = INTRODUCTION.format(
        float16=passed["float16"],
        int8=passed["int8"],
        int16x8=passed["int16x8"],
        full_int8=passed["full-int8"],
        count=len(found),
        least=percent(least, 0),
        reference=sum(entry["reference"] for entry in found.values()),
        epochs=_EPOCHS,
        test=_TEST,
        machine=f"Versions: LiteRT {version('ai-edge-litert')}, ONNX Runtime "
        f"{version('onnxruntime')}, on x86.",
    )
    parts = [
        table(
            found,
            lambda cell: shown(cell, least),
            "Agreement with Keras",
            {"data": lambda entry: entry["data"], "accuracy": accuracy},
        ),
        table(found, lambda cell: f"{cell['bytes'] / 1e3:,.0f}", "Size, kB", {}),
        table(found, lambda cell: f"{cell['ms']:.3f}", "Time, ms", {}),
    ]
    return introduction + "\n".join(parts)


def table(
    found: dict[str, Any],
    cell: Callable[[dict[str, Any]], str],
    title: str,
    others: dict[str, Callable[[dict[str, Any]], str]],
) -> str:
    """A table with a row per net and a column per file, under a title."""
    rows = [
        [
            name,
            *(value(entry) for value in others.values()),
            *(refused(entry["files"][c]) or cell(entry["files"][c]) for c in COLUMNS),
        ]
        for name, entry in sorted(found.items())
    ]
    titles = ["net", *others, *COLUMNS]
    return f"## {title}\n\n{markdown_table(titles, rows, 'l' + 'r' * (len(titles) - 1))}\n"


def accuracy(entry: dict[str, Any]) -> str:
    """The accuracy of Keras, which that of ONNX Runtime equals."""
    return percent(entry["files"][ONNX]["accuracy"])


def shown(figures: dict[str, Any], least: float) -> str:
    """The agreement of a file, in parentheses if an export refuses it.

    An asterisk means that some layers compute in float32.
    """
    text = percent(figures["agreement"]) + ("\\*" if "float32_operators" in figures else "")
    return text if figures["agreement"] >= least else f"({text})"


def refused(figures: dict[str, Any]) -> str:
    """Why there is no file, or nothing."""
    if "refused" not in figures:
        return ""
    operators = re.search(r"cannot compute (.+?) in integers", figures["refused"])
    return f"refused: {operators[1]}" if operators else "refused"


if __name__ == "__main__":
    main()
