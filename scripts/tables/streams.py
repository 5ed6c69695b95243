"""Live streams of every causal net of the catalogue, and of many other models.

    python scripts/tables/streams.py [--only WORD] [--results FILE] [--write]

Each model is exported with ``streaming=True``. Its step model then runs a sequence in one chunk, in
single steps, and in random chunks, in ONNX Runtime (with ``kn.Stream``), TensorFlow (the
SavedModel) and LiteRT. The outputs are compared with those of Keras for the whole sequence.
Exits with 1 if one differs by more than 1e-5. ``--results`` keeps what was measured in a file, so
that an interrupted run continues. ``--write`` writes the tables to docs/streams.md.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from variants import streams

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets._tables import markdown_table
from kerasnets.exporting.verification.runtimes import read_card

LIMIT = 1e-5
PAGE = Path(__file__).parents[2] / "docs" / "streams.md"
FORMATS = ("saved_model", "onnx", "litert")
TITLES = ("model", "states", "numbers", "ONNX Runtime", "SavedModel", "LiteRT", "nodes")


def main() -> int:
    """Print the tables; return 1 if a difference is too large."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="only models whose name has this word")
    parser.add_argument("--write", action="store_true", help=f"write the tables to {PAGE.name}")
    parser.add_argument("--results", type=Path, help="a JSON file with the finished models")
    arguments = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    if arguments.results and arguments.results.exists():
        found = json.loads(arguments.results.read_text(encoding="utf-8"))
    for name, build in models(arguments.only):
        if name not in found:
            found[name] = measure(name, build())
            print(name, *found[name].values(), sep=" | ", flush=True)
        if arguments.results:
            arguments.results.write_text(json.dumps(found), encoding="utf-8")
    rows = [entry["cells"] for entry in found.values() if "cells" in entry]
    refused = [(name, entry["refused"]) for name, entry in found.items() if "refused" in entry]
    largest = max(entry.get("difference", 0.0) for entry in found.values())
    tables = {
        "equal": markdown_table(TITLES, rows, "l" + "r" * (len(TITLES) - 1)),
        "refused": markdown_table(("net", "layer", "why"), grouped(refused)),
    }
    print("", *tables.values(), f"largest difference: {largest:.1e}", sep="\n\n")
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        for name, table in tables.items():
            text = replace_table(text, name, table)
        PAGE.write_text(text, encoding="utf-8")
    return int(largest > LIMIT)


def models(word: str) -> Iterator[tuple[str, Callable[[], keras.Model]]]:
    """The nets of the catalogue and the other models, with functions that build them."""
    for name in kn.list_nets():
        if word in name:
            yield name, functools.partial(random_net, name)
    for name in streams.VARIANTS:
        if word in name:
            yield name, functools.partial(streams.build, name)


def random_net(name: str) -> keras.Model:
    """A net of the catalogue with random weights, so that its outputs depend on every layer."""
    net = kn.build(name)
    rng = np.random.default_rng(0)
    for weight in net.weights:
        values = rng.normal(0, 0.1, weight.shape)
        weight.assign(abs(values) if "variance" in weight.path else values)
    return net


def measure(name: str, model: keras.Model) -> dict[str, Any]:
    """The ``cells`` of a model and its largest ``difference``, or why it is ``refused``.

    Raises:
        VerificationError: the step models do not return the outputs of the whole sequence.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = export(model, Path(folder) / name)
        except kn.VerificationError:
            raise
        except ValueError as error:
            return {"refused": reason(str(error))}
        card = read_card(path / "card.json")
        states = kn.Stream(path).state_dict()
    found = card["verification"]["max_abs_diff"]
    differences = [found.get(f"{key}-stream") for key in ("onnx", "saved_model", "litert")]
    numbers = sum(value.size for value in states.values()) - 1  # without the number of steps
    nodes = card["streaming"]["onnx"]["nodes"]
    native = {key: nodes[key] for key in ("GRU", "LSTM", "RNN", "Conv", "MaxPool") if key in nodes}
    shown = ", ".join(f"{count} {key}" for key, count in native.items())
    cells = [f"`{name}`", str(len(states) - 1), f"{numbers:,}"]
    cells += [*("–" if d is None else f"{d:.1e}" for d in differences), shown]
    return {"cells": cells, "difference": max(d for d in differences if d is not None)}


def export(model: keras.Model, folder: Path) -> Path:
    """Export a model in all formats, or in those but LiteRT if it cannot be converted to it."""
    options: dict[str, Any] = {"streaming": True, "keras_file": False}
    try:
        return kn.export(model, folder, FORMATS, **options)
    except ValueError as error:
        if "cannot be converted to LiteRT" not in str(error):
            raise
        return kn.export(model, folder, FORMATS[:2], **options)


def reason(message: str) -> tuple[str, str]:
    """The layer and the reason in the error of a model that cannot run on a stream."""
    found = re.search(r"the layer ('.*?' \(\w+\)) (.*?)\. ", message)
    return (found[1].replace("'", "`"), found[2]) if found else ("", message)


def grouped(refused: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[str, str, str]]:
    """One row per layer and reason, with all of its nets."""
    nets: dict[tuple[str, str], list[str]] = {}
    for name, (layer, why) in refused:
        nets.setdefault((layer, why), []).append(f"`{name}`")
    return [(", ".join(names), layer, why) for (layer, why), names in nets.items()]


def replace_table(text: str, name: str, table: str) -> str:
    """Replace the table between two comments of a page."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{PAGE} has no place for the table {name!r}.")
    return f"{before}{start}\n{table}\n\n{end}{after}"


if __name__ == "__main__":
    sys.exit(main())
