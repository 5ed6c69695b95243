"""Every net of the catalogue in LiteRT and in ONNX Runtime: difference, size and time.

    python scripts/tables/litert.py [--nets 'seizure-*']

The nets have random weights, so that the outputs depend on every layer. The difference is the
largest one from Keras over 16 examples, relative to the largest output if that is above 1. A
time is the median of 50 calls with one example and one thread. The runtimes take turns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime

import kerasnets as kn
from kerasnets._tables import markdown_table
from kerasnets.exporting.litert.write_litert import write_litert
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.samples import Arrays, first_samples, random_samples
from kerasnets.exporting.signature import serve
from kerasnets.exporting.verification.runtimes.litert_check import load_litert

Run = Callable[[Arrays], Arrays]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nets", default="*", help="a shell pattern")
    rows = [row(name) for name in kn.list_nets(parser.parse_args().nets)]
    titles = [
        "net",
        "LiteRT, kB",
        "ONNX, kB",
        "LiteRT diff.",
        "ONNX diff.",
        "LiteRT, ms",
        "ONNX, ms",
    ]
    print(markdown_table(titles, rows, "l" + "r" * 6))


def row(name: str) -> list[str]:
    """The cells of a net."""
    model = kn.build(name)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        values = rng.normal(0, 0.1, variable.shape)
        variable.assign(abs(values) if "variance" in variable.path else values)
    served = serve(model)
    samples = first_samples(random_samples(served), 16)
    expected = served.run(samples)
    with tempfile.TemporaryDirectory() as folder:
        lite, onnx = Path(folder) / "model.tflite", Path(folder) / "model.onnx"
        write_litert(served, lite, {})
        write_onnx(served, onnx)
        runs = [load_litert(lite)[2], onnx_run(onnx)]
        sizes = [f"{path.stat().st_size / 1e3:,.0f}" for path in (lite, onnx)]
    differences = [f"{difference(run(samples), expected):.1e}" for run in runs]
    return [name, *sizes, *differences, *(f"{ms:.3f}" for ms in times(runs, samples))]


def onnx_run(path: Path) -> Run:
    """A function that runs an ONNX file with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def difference(got: Arrays, expected: Arrays) -> float:
    """The largest difference, relative to the largest value if that is above 1."""
    return max(
        float(np.abs(got[name] - value).max() / max(1, np.abs(value).max()))
        for name, value in expected.items()
    )


def times(runs: list[Run], samples: Arrays) -> list[float]:
    """Median milliseconds of a call with one example, per runtime."""
    one = first_samples(samples, 1)
    found: list[list[float]] = [[] for _ in runs]
    for _ in range(50):
        for run, seconds in zip(runs, found, strict=True):
            start = time.perf_counter()
            run(one)
            seconds.append(time.perf_counter() - start)
    return [median(seconds) * 1e3 for seconds in found]


if __name__ == "__main__":
    main()
