"""Export recurrent models of many kinds to ONNX and compare them with Keras.

    python scripts/tables/export_variants.py [--only WORD] [--write]

Prints one line per variant: its recurrent ONNX nodes, and the largest difference of ONNX Runtime
from Keras run eagerly, over several batch sizes, numbers of steps and masks. If OpenVINO is
installed, its largest difference is printed too. Exits with 1 if ONNX Runtime differs by more than
1e-5, or a model has a loop or unexpected nodes. ``--write`` writes the table to
docs/export-variants.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from variants import compositions, forms
from variants.base import Variant

from kerasnets._lazy import keras
from kerasnets._tables import markdown_table
from kerasnets.exporting.onnx.graph import all_nodes
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.signature import serve

Arrays = dict[str, np.ndarray]
Runner = Callable[[Arrays], Arrays]
LIMIT = 1e-5
OPENVINO = find_spec("openvino") is not None
TARGET = Path(__file__).parents[2] / "docs" / "export-variants.md"
INTRODUCTION = """\
# Recurrent models in ONNX

**In {count} variants, the largest difference between ONNX Runtime {versions[0]} and Keras is
{largest:.1e}, and no file has a `Loop` or `Scan`.**

This command exports the variants, compares them and writes this page:

```sh
python scripts/tables/export_variants.py --write
```

- The models have random weights. ONNX Runtime and OpenVINO {versions[1]} are compared with Keras,
  run eagerly, for batches of 1, 2 and 7 rows with 1, 3 and 6 steps. In "masked" models, rows are
  unmasked, right-padded, left-padded, with holes, with one unmasked step, and masked entirely.
- Differences are absolute if the largest value of the output is at most 1, and relative to that
  value otherwise.
- The column "nodes" has the recurrent nodes and the number of all nodes.
- **OpenVINO is wrong for some variants.** Its CPU plugin runs recurrent nodes past the lengths of
  the sequences. The exported graphs take the states from the outputs at the length, except for the
  cell state of an LSTM, which is not an output of each step. It is also wrong in the models with a
  bidirectional layer that returns sequences with a fixed number of steps (`subclassed`,
  `TimeDistributed Bidirectional LSTM`), and cannot load models with some of the activations
  ("refused"). `kerasnets verify` reports this if OpenVINO is installed. ONNX Runtime stops at the
  lengths.

"""
FAMILIES = (
    forms.every_form,
    forms.bias_and_dropout,
    forms.initial_states,
    forms.bidirectional,
    forms.activations,
    compositions.compositions,
    compositions.sources_of_masks,
    compositions.time_distributed,
    compositions.catalogue,
)


def measure(variant: Variant, folder: Path) -> tuple[list[str], float, str]:
    """Return the cells of a variant, the largest difference of ONNX Runtime, and any error."""
    rng = np.random.default_rng(7)
    for weight in variant.model.weights:
        if weight.dtype == "float32":
            weight.assign(rng.normal(0, 0.5, weight.shape))
    served = serve(variant.model)
    path = folder / "model.onnx"
    write_onnx(served, path)
    onnx.checker.check_model(path, full_check=True)
    counts = Counter(node.op_type for node in all_nodes(onnx.load(path).graph))
    found = {op: counts[op] for op in ("GRU", "LSTM", "RNN") if counts[op]}
    expected = [served.run(feed) for feed in variant.feeds]
    pairs = list(zip(variant.feeds, expected, strict=True))
    session = _onnxruntime(path)
    largest = max(_difference(session(feed), outputs) for feed, outputs in pairs)
    cells = [f"{largest:.1e}", _in_openvino(path, pairs) if OPENVINO else "–"]
    wrong = "" if largest <= LIMIT else "differs"
    if counts["Loop"] or counts["Scan"] or (variant.nodes and found != variant.nodes):
        wrong = f"has {dict(counts)}"
    nodes = ", ".join(f"{count} {op}" for op, count in found.items()) or "–"
    return [f"{nodes} of {counts.total()}", *cells], largest, wrong


def _difference(got: Arrays, expected: Arrays) -> float:
    largest = 0.0
    for name, value in expected.items():
        scale = max(1.0, float(np.abs(value).max(initial=0)))
        difference = float(np.abs(got[name] - value).max(initial=0)) / scale
        # A comparison with NaN is false.
        largest = difference if not difference <= largest else largest
    return largest


def _onnxruntime(path: Path) -> Runner:
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return lambda feed: dict(zip(names, session.run(names, feed), strict=True))


def _in_openvino(path: Path, pairs: list[tuple[Arrays, Arrays]]) -> str:
    try:
        run = _openvino(path)
    except RuntimeError:  # an activation that OpenVINO does not support
        return "refused"
    return f"{max(_difference(run(feed), outputs) for feed, outputs in pairs):.1e}"


def _openvino(path: Path) -> Runner:
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}
    model = openvino.Core().compile_model(str(path), "CPU", options)

    def run(feed: Arrays) -> Arrays:
        outputs = model(feed)
        return {port.any_name: np.array(outputs[port]) for port in model.outputs}

    return run


def main() -> int:
    """Print the table; return 1 if a variant failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="only variants with this word in their name")
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    arguments = parser.parse_args()
    rows, largest, failures = [], 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for variant in (variant for family in FAMILIES for variant in family()):
            if arguments.only.lower() not in variant.name.lower():
                continue
            try:
                cells, difference, wrong = measure(variant, Path(folder))
            except Exception as error:  # noqa: BLE001  # report it with the other failures
                cells, difference, wrong = ["?"] * 3, float("nan"), f"{error}"
            largest = max(largest, difference)
            rows.append((variant.name, *cells))
            print(" | ".join(rows[-1]), wrong, flush=True)
            failures += [f"{variant.name} {wrong}"] if wrong else []
            keras.backend.clear_session()
    print(f"{len(rows)} variants, largest difference {largest:.1e}, {len(failures)} failures")
    if arguments.write and not failures:
        versions = [version("onnxruntime"), version("openvino") if OPENVINO else "(not installed)"]
        text = INTRODUCTION.format(count=len(rows), largest=largest, versions=versions)
        table = markdown_table(("variant", "nodes", "ONNX Runtime", "OpenVINO"), rows, "llrr")
        TARGET.write_text(f"{text}{table}\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
