"""Every net of the catalogue in every runtime that is installed: difference, time and size.

    python scripts/tables/runtimes.py [--nets 'seizure-*'] [--json FILE] [--write]

The nets have random weights, so that the outputs depend on every layer. The difference is the
largest one from Keras over 16 examples (4 in the reference implementation of ONNX), relative to the
largest output if that is above 1. A time is the median of 50 calls with one example and one thread;
the runtimes take turns. With --json, results are kept in a file, and nets that it has are not
measured again. --write writes the table to docs/export-runtimes.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from latency import times
from onnx.reference import ReferenceEvaluator

import kerasnets as kn
from kerasnets._files import write_json
from kerasnets._tables import markdown_table
from kerasnets.exporting.litert.c_array import write_c_arrays
from kerasnets.exporting.litert.write_litert import write_litert
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.samples import Arrays, first_samples, random_samples
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.verification.runtimes.litert_check import load_litert
from kerasnets.exporting.verification.runtimes.micro_check import HEADER, load_micro

Run = Callable[[Arrays], Arrays]
TARGET = Path(__file__).parents[2] / "docs" / "export-runtimes.md"
ORT, OPENVINO, REFERENCE = "ONNX Runtime", "OpenVINO", "ONNX reference"
TRACT, LITERT, MICRO = "tract", "LiteRT", "LiteRT Micro"
RUNTIMES = (ORT, OPENVINO, REFERENCE, TRACT, LITERT, MICRO)
TIMED = (ORT, OPENVINO, LITERT)
PACKAGES = {
    ORT: "onnxruntime", OPENVINO: "openvino", REFERENCE: "onnx", TRACT: "tract",
    LITERT: "ai-edge-litert", MICRO: "tflite-micro",
}  # fmt: skip
EXAMPLES = 16
INTRODUCTION = """\
# Every net in every runtime

**The largest difference from Keras is {largest:.1e}, over all {count} nets of the catalogue in
{runtimes}.**

```sh
python scripts/tables/runtimes.py --write
```

- The nets have random weights. Differences are the largest over 16 examples (4 in the reference
  implementation of ONNX), and relative to the largest output if that is above 1. OpenVINO computes
  in float32, by `INFERENCE_PRECISION_HINT`.
- Times are medians of 50 calls with one example and one thread, in milliseconds. The runtimes take
  turns. Other programs were running on the machine, so compare the times of a row with each other.
- The files have their guards. Sizes are in kB (1,000 bytes).
- tract got files without `sequence_lens`, and the sizes of all axes. It cannot run a GRU or an LSTM
  directly behind the input ("xw not contiguous"); this is an error in tract 0.23.
- LiteRT Micro is TensorFlow Lite Micro, for microcontrollers. It needs fixed sizes, which the
  mortality nets do not have. Of nets with several GRU layers, some do not end there, and one has
  other outputs; an export says so, and leaves out the example.

Versions: {versions}.

"""


def main() -> None:
    """Print the table, or write it to the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nets", default="*", help="a shell pattern")
    parser.add_argument("--json", type=Path, help="a file that keeps the results")
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    arguments = parser.parse_args()
    kept = arguments.json
    found: dict[str, Any] = json.loads(kept.read_text()) if kept and kept.exists() else {}
    for name in kn.list_nets(arguments.nets):
        if name not in found:
            found[name] = measure(name)
            print(name, found[name], flush=True)
        if kept:
            write_json(kept, found)
    table = markdown_table(*cells(found))
    print(table)
    if arguments.write:
        TARGET.write_text(introduction(found) + table + "\n", encoding="utf-8")


def measure(name: str) -> dict[str, Any]:
    """The differences, the times and the sizes of a net."""
    model = kn.build(name)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        values = rng.normal(0, 0.1, variable.shape)
        variable.assign(abs(values) if "variance" in variable.path else values)
    served = serve(model)
    samples = first_samples(random_samples(served), EXAMPLES)
    expected = served.run(samples)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_onnx(served, folder / "model.onnx", guarded=True)
        written = write_litert(served, folder / "model.tflite", {}, guarded=True)
        differences, runs = {}, {}
        for runtime, load in loaders(served, folder, samples, written).items():
            try:
                runs[runtime] = load()
                rows = 4 if runtime == REFERENCE else EXAMPLES
                got = runs[runtime](first_samples(samples, rows))
                differences[runtime] = difference(got, first_samples(expected, rows))
            except Exception as error:  # noqa: BLE001  # each runtime raises different types
                differences[runtime] = " ".join(str(error).split())[:200] or type(error).__name__
        names = [name for name in TIMED if name in runs]
        timed = [runs[name] for name in names]
        return {
            "difference": differences,
            "ms": dict(zip(names, times(timed, samples, 50), strict=True)),
            "kB": {
                "ONNX": (folder / "model.onnx").stat().st_size / 1e3,
                "LiteRT": written["bytes"] / 1e3,
            },
        }


def loaders(
    served: Served, folder: Path, samples: Arrays, written: dict[str, Any]
) -> dict[str, Callable[[], Run]]:
    """A function per installed runtime that loads the net and returns a function that runs it."""
    path = folder / "model.onnx"
    found: dict[str, Callable[[], Run]] = {
        ORT: lambda: run_onnx(path),
        REFERENCE: lambda: run_reference(path),
        LITERT: lambda: load_litert(folder / "model.tflite")[2],
    }
    if find_spec("openvino"):
        found[OPENVINO] = lambda: run_openvino(path)
    if find_spec("tract"):
        found[TRACT] = lambda: run_tract(served, folder / "tract.onnx", samples)
    if find_spec("tflite_micro"):
        found[MICRO] = lambda: run_micro(served, folder, samples)
    return found


def run_onnx(path: Path) -> Run:
    """Run an ONNX file in ONNX Runtime with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def run_openvino(path: Path) -> Run:
    """Run an ONNX file in OpenVINO with one thread and float32."""
    import openvino

    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "EXECUTION_MODE_HINT": "ACCURACY",
        "INFERENCE_NUM_THREADS": 1,
    }
    model = openvino.Core().compile_model(str(path), "CPU", options)
    names = [value.name for value in onnx.load(path).graph.output]

    def run(inputs: Arrays) -> Arrays:
        outputs = model(inputs)
        return {name: np.array(outputs[name]) for name in names}

    return run


def run_reference(path: Path) -> Run:
    """Run an ONNX file in the reference implementation."""
    evaluator = ReferenceEvaluator(str(path))
    return lambda inputs: dict(
        zip(evaluator.output_names, evaluator.run(None, inputs), strict=True)
    )


def run_tract(served: Served, path: Path, samples: Arrays) -> Run:
    """Run a net in tract, for as many examples as there are samples."""
    import tract

    write_onnx(served, path, guarded=True, sequence_lens=False)
    graph = onnx.load(path).graph
    loaded = tract.onnx().load(str(path))
    for index, value in enumerate(graph.input):
        sample = samples[value.name]
        kind = {"float32": "f32", "int32": "i32"}[sample.dtype.name]
        loaded.set_input_fact(index, f"{','.join(map(str, sample.shape))},{kind}")
    runnable = loaded.into_model().into_runnable()

    def run(inputs: Arrays) -> Arrays:
        outputs = runnable.run([inputs[value.name] for value in graph.input])
        names = [value.name for value in graph.output]
        return dict(zip(names, (output.to_numpy() for output in outputs), strict=True))

    return run


def run_micro(served: Served, folder: Path, samples: Arrays) -> Run:
    """Run the C array of a net in TensorFlow Lite Micro."""
    free = [info.name for info in served.inputs if None in info.shape[1:]]
    if free:
        raise ValueError(f"{free[0]!r} has no fixed size")
    written = write_litert(served, folder / "micro.tflite", {}, guarded=True, one_row=True)
    (folder / "micro.tflite").rename(folder / "model.tflite")
    card = {
        "name": "net", "version": 1, "license": "unknown", "input_units": "", "class_names": [],
        "litert": written | {"file": "model.tflite"},
    }  # fmt: skip
    card["c_arrays"] = write_c_arrays(folder, card, first_samples(samples, 2))
    (header,) = card["c_arrays"]["headers"]
    if "reason" in header:
        raise ValueError(header["reason"])
    return load_micro(folder / HEADER, card)[2]


def difference(got: Arrays, expected: Arrays) -> float:
    """The largest difference, relative to the largest value if that is above 1."""
    return max(
        float(np.abs(got[name] - value).max() / max(1, np.abs(value).max()))
        for name, value in expected.items()
    )


def cells(found: dict[str, Any]) -> tuple[list[str], list[list[str]], str]:
    """The titles, the rows and the alignment of the table."""
    titles = ["net", "ONNX, kB", "LiteRT, kB", *RUNTIMES, *(f"{name}, ms" for name in TIMED)]
    rows = []
    for name, entry in sorted(found.items()):
        row = [name, f"{entry['kB']['ONNX']:,.0f}", f"{entry['kB']['LiteRT']:,.0f}"]
        for runtime in RUNTIMES:
            value = entry["difference"].get(runtime, "–")
            row.append(f"{value:.1e}" if isinstance(value, float) else "–")
        row += [f"{entry['ms'][name]:.3f}" if name in entry["ms"] else "–" for name in TIMED]
        rows.append(row)
    return titles, rows, "l" + "r" * (len(titles) - 1)


def introduction(found: dict[str, Any]) -> str:
    """The text above the table."""
    values = [
        value
        for entry in found.values()
        for value in entry["difference"].values()
        if isinstance(value, float)
    ]
    used = [name for name in RUNTIMES if any(name in e["difference"] for e in found.values())]
    return INTRODUCTION.format(
        largest=max(values),
        count=len(found),
        runtimes=", ".join(used[:-1]) + f" and {used[-1]}",
        versions=", ".join(f"{name} {version(PACKAGES[name])}" for name in used),
    )


if __name__ == "__main__":
    main()
