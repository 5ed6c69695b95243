"""LiteRT files with smaller weights: float16 or int8, or with integers for the activations too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.exporting.litert.flatbuffer import with_names
from kerasnets.exporting.litert.ranges import convert_with_best_ranges, one_by_one
from kerasnets.exporting.litert.write_litert import INTEGER_ACTIVATIONS, convert
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes import INVALID, read_reference
from kerasnets.exporting.verification.runtimes.litert_check import load_litert
from kerasnets.exporting.verification.task_metrics import Labelled
from kerasnets.exporting.weights_report import check_agreement, measure_file

KINDS = ("float16", "int8", *INTEGER_ACTIVATIONS)
# The calibration of these ends the process, or divides by a zero that was rounded.
_NOT_IN_INTEGERS = ("WHILE", "RFFT2D", "DIV")


def write_small_litert(
    served: Served,
    path: Path,
    kinds: Sequence[str],
    written: Mapping[str, Any],
    metadata: Mapping[str, str],
    calibration: Arrays | None = None,
    test: Labelled | None = None,
    *,
    guarded: bool = False,
) -> dict[str, dict[str, Any]]:
    """Write ``model.float16.tflite`` and other kinds next to ``model.tflite``.

    ``"float16"`` and ``"int8"`` store the weights in fewer bytes; LiteRT leaves small ones as they
    are. With ``"full-int8"`` the activations are int8 too, with ``"int16x8"`` they are int16, in
    ranges found on the calibration examples. Inputs and outputs stay float32.

    Args:
        served: the model. Its outputs in Keras are the reference.
        path: the path of ``model.tflite``, next to ``reference.npz``.
        kinds: any of ``KINDS``.
        written: the entry of ``model.tflite`` in the card.
        metadata: as for :func:`~kerasnets.exporting.litert.write_litert.write_litert`.
        calibration: raw training examples by input name, for integer activations.
        test: labelled examples for the accuracy and the agreement.
        guarded: as for :func:`~kerasnets.exporting.litert.write_litert.write_litert`. Integer
            activations have no NaN, so these files are never guarded.

    Returns:
        An entry for each kind, and one for the original under ``"float32"``, as
        :func:`~kerasnets.exporting.weights_report.measure_file` returns them, with ``checks_rows``:
        whether the file is guarded. With ``"full-int8"``, if the ranges of the converter change
        too many predictions: ``kept_percent`` and ``float32_operators``, as in
        :class:`~kerasnets.exporting.litert.ranges.Converted`.

    Raises:
        ValueError: a kind is not possible for this model, or its predictions differ from those of
            Keras too often.
    """
    integers = [kind for kind in kinds if kind in INTEGER_ACTIVATIONS]
    if integers:
        _check_integers(served, integers[0], written["operators"], calibration, test)
    report = {"float32": _measure(served, path, guarded, test)}
    for kind in kinds:
        checked, batch = guarded and kind not in integers, written["batch"]
        ranges: dict[str, Any] = {}
        if calibration and kind == "full-int8":
            converted = convert_with_best_ranges(served, batch, calibration)
            content = converted.content
            if converted.kept_percent:
                ranges["kept_percent"] = list(converted.kept_percent)
                ranges["float32_operators"] = list(converted.float32)
        else:
            rows = one_by_one(calibration) if calibration and kind in integers else ()
            content = convert(served, batch, quantize=kind, samples=rows, guarded=checked)
        small = path.with_name(f"{path.stem}.{kind}{path.suffix}")
        small.write_bytes(with_names(content, served, {**metadata, "weights": kind}))
        report[kind] = _measure(served, small, checked, test) | ranges
        check_agreement(kind, report[kind])
    return report


def _check_integers(
    served: Served,
    kind: str,
    operators: Mapping[str, int],
    calibration: Arrays | None,
    test: Labelled | None,
) -> None:
    if found := [name for name in _NOT_IN_INTEGERS if name in operators]:
        raise ValueError(
            f"{served.model.name!r} cannot be exported with {kind}: LiteRT cannot compute "
            f"{', '.join(found)} in integers. Use weights=('int8',), which stores only the weights "
            "so."
        )
    if calibration is None or test is None:
        raise ValueError(
            f"{kind} needs calibration=, raw training examples, and test=, labelled examples to "
            "measure its agreement with float32."
        )
    for name, array in calibration.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"calibration has NaN or infinity in {name!r}.")


def _measure(served: Served, path: Path, guarded: bool, test: Labelled | None) -> dict[str, Any]:
    _, _, run = load_litert(path)
    cases = {
        name: case
        for name, case in read_reference(path.with_name("reference.npz")).items()
        if guarded or not name.startswith(INVALID)
    }
    return measure_file(served, path, run, cases, test) | {"checks_rows": guarded}
