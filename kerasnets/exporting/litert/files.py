"""All LiteRT files of an export: the model, smaller weights, C arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerasnets.exporting.card import metadata_props
from kerasnets.exporting.litert.c_array import write_c_arrays
from kerasnets.exporting.litert.small_weights import write_small_litert
from kerasnets.exporting.litert.write_litert import FILE, write_litert
from kerasnets.exporting.options import Options
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes import read_reference
from kerasnets.exporting.verification.task_metrics import Labelled


def write_litert_files(
    served: Served,
    folder: Path,
    card: Mapping[str, Any],
    options: Options,
    calibration: Arrays | None,
    test: Labelled | None,
) -> dict[str, Any]:
    """Write the LiteRT files that the options ask for.

    Args:
        served: the model and its signature.
        folder: the version folder, which has ``reference.npz``.
        card: the content of ``card.json`` so far.
        options: the options of the export.
        calibration: raw training examples by input name, for integer activations.
        test: labelled examples, to measure smaller weights.

    Returns:
        The entries for the card.
    """
    path, props, guarded = folder / FILE, metadata_props(card), card["checks_rows"]
    written = write_litert(served, path, props, guarded=guarded, one_row=options.c_array)
    entries: dict[str, Any] = {"litert": written}
    if options.weights:
        entries["litert_weights"] = write_small_litert(
            served, path, options.weights, written, props, calibration, test, guarded=guarded
        )
    if options.c_array:
        inputs, _ = read_reference(folder / "reference.npz")["batch-2"]
        entries["c_arrays"] = write_c_arrays(folder, {**card, **entries}, inputs)
    return entries
