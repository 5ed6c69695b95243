"""What smaller weights cost: the size of a file, and how its outputs differ from Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._tables import percent
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes import compare, largest_case
from kerasnets.exporting.verification.task_metrics import (
    Labelled,
    check_labels,
    compute_metrics,
    input_arrays,
    predicted_labels,
)

# A quantized file whose classes differ from those of Keras more often is refused.
MIN_AGREEMENT = 0.98


def measure_file(
    served: Served,
    path: Path,
    run: Callable[[Arrays], Arrays],
    cases: Mapping[str, tuple[Arrays, Arrays]],
    test: Labelled | None,
) -> dict[str, Any]:
    """Compare the outputs of a file with those of Keras.

    Args:
        served: the model.
        path: the file.
        run: runs the file on inputs by name, and returns its outputs by name.
        cases: inputs, and the outputs of Keras for them, by name of the case.
        test: labelled examples for the accuracy, or the mean absolute error in regression.

    Returns:
        ``file``, ``bytes``, ``max_abs_diff`` (the largest difference of each output from Keras in
        any case, measured as in :class:`~kerasnets.exporting.Verification`), for a classifier
        ``same_class`` (the share of equal predictions in the largest case), and on ``test``
        ``accuracy`` and ``agreement`` (the share of equal predictions), or ``mae``.
    """
    got = {case: run(inputs) for case, (inputs, _) in cases.items()}
    result: dict[str, Any] = {
        "file": path.name,
        "bytes": path.stat().st_size,
        "max_abs_diff": {
            info.name: max(
                compare(info.name, got[case][info.name], expected[info.name], np.inf)[0]
                for case, (_, expected) in cases.items()
            )
            for info in served.outputs
        },
    }
    if served.task is None:
        return result
    output = served.outputs[0]
    if served.is_classifier:
        case = largest_case(cases)
        result["same_class"] = agreement(served, got[case], cases[case][1])
    if test is not None:
        labels = check_labels(served.task, test.y, output.shape[-1])
        inputs = input_arrays([info.name for info in served.inputs], test)
        outputs = run(inputs)
        metrics = compute_metrics(served.task, labels, outputs[output.name])
        result |= {name: metrics[name] for name in ("accuracy", "mae") if name in metrics}
        if served.is_classifier:
            result["agreement"] = agreement(served, outputs, served.run(inputs))
    return result


def check_agreement(kind: str, entry: dict[str, Any]) -> None:
    """Refuse a file that predicts other classes than Keras too often.

    Args:
        kind: the kind of its weights.
        entry: the result of :func:`measure_file`.

    Raises:
        ValueError: the agreement on the test examples is below ``MIN_AGREEMENT``.
    """
    share = entry.get("agreement", 1.0)
    if share < MIN_AGREEMENT:
        advice = " Use 'int16x8', whose activations have 16 bits." if kind == "full-int8" else ""
        raise ValueError(
            f"{entry['file']} predicts the class of Keras for {percent(share)} of the test "
            f"examples; at least {percent(MIN_AGREEMENT)} is required. "
            f"Remove {kind!r} from weights.{advice}"
        )


def agreement(served: Served, got: Arrays, expected: Arrays) -> float:
    """The share of equal predictions of a classifier."""
    name, task = served.outputs[0].name, str(served.task)
    predicted, reference = (predicted_labels(task, outputs[name]) for outputs in (got, expected))
    return float((predicted == reference).mean())
