"""LiteRT files with smaller weights: float16, int8, or int8 for the activations too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.exporting.litert.flatbuffer import with_names
from kerasnets.exporting.litert.write_litert import convert
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes.litert_check import load_litert
from kerasnets.exporting.verification.task_metrics import Labelled
from kerasnets.exporting.weights_report import check_agreement, measure_file

KINDS = ("float16", "int8", "full-int8")
# The calibration of these ends the process, or divides by a zero that was rounded.
_NOT_IN_INT8 = ("WHILE", "RFFT2D", "DIV")


def write_small_litert(
    served: Served,
    path: Path,
    kinds: Sequence[str],
    written: Mapping[str, Any],
    metadata: Mapping[str, str],
    samples: Arrays,
    calibration: Arrays | None = None,
    test: Labelled | None = None,
    *,
    guarded: bool = False,
) -> dict[str, dict[str, Any]]:
    """Write ``model.float16.tflite`` and other kinds next to ``model.tflite``.

    ``"float16"`` and ``"int8"`` store the weights in fewer bytes; LiteRT leaves small ones as they
    are. With ``"full-int8"`` the activations are integers too, in ranges found on the calibration
    examples. Inputs and outputs stay float32.

    Args:
        served: the model. Its outputs in Keras are the reference.
        path: the path of ``model.tflite``.
        kinds: any of ``KINDS``.
        written: the entry of ``model.tflite`` in the card.
        metadata: as for :func:`~kerasnets.exporting.litert.write_litert.write_litert`.
        samples: inputs for the comparison.
        calibration: raw training examples by input name, for ``"full-int8"``.
        test: labelled examples for the accuracy and the agreement.
        guarded: as for :func:`~kerasnets.exporting.litert.write_litert.write_litert`. Integer
            activations have no NaN, so ``"full-int8"`` is never guarded.

    Returns:
        An entry for each kind, and one for the original under ``"float32"``, as
        :func:`~kerasnets.exporting.weights_report.measure_file` returns them.

    Raises:
        ValueError: a kind is not possible for this model, or its predictions differ from those of
            Keras too often.
    """
    if "full-int8" in kinds:
        _check_full_int8(served, written["operators"], calibration, test)
    expected = served.run(samples)
    report = {"float32": _measure(served, path, samples, expected, test)}
    for kind in kinds:
        rows = one_by_one(calibration) if calibration and kind == "full-int8" else ()
        checked = guarded and kind != "full-int8"
        content = convert(served, written["batch"], quantize=kind, samples=rows, guarded=checked)
        small = path.with_name(f"{path.stem}.{kind}{path.suffix}")
        small.write_bytes(with_names(content, served, {**metadata, "weights": kind}))
        report[kind] = _measure(served, small, samples, expected, test)
        check_agreement(kind, report[kind])
    return report


def one_by_one(arrays: Arrays) -> list[Arrays]:
    """The examples of arrays, each as a batch of one."""
    rows = len(next(iter(arrays.values())))
    return [{name: array[row : row + 1] for name, array in arrays.items()} for row in range(rows)]


def _check_full_int8(
    served: Served,
    operators: Mapping[str, int],
    calibration: Arrays | None,
    test: Labelled | None,
) -> None:
    if found := [name for name in _NOT_IN_INT8 if name in operators]:
        raise ValueError(
            f"{served.model.name!r} cannot be exported with full-int8: LiteRT cannot compute "
            f"{', '.join(found)} in int8. Use weights=('int8',), which stores only the weights so."
        )
    if calibration is None or test is None:
        raise ValueError(
            "full-int8 needs calibration=, raw training examples, and test=, labelled examples to "
            "measure its agreement with float32."
        )
    for name, array in calibration.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"calibration has NaN or infinity in {name!r}.")


def _measure(
    served: Served, path: Path, samples: Arrays, expected: Arrays, test: Labelled | None
) -> dict[str, Any]:
    _, _, run = load_litert(path)
    return measure_file(served, path, run, samples, expected, test)
