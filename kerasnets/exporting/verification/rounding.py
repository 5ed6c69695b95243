"""Whether a difference from Keras is only the rounding of float32.

A recurrent net with large weights can amplify a difference in the last digit a thousand times. Then
no two programs agree within 1e-5, and the outputs of Keras themselves are not exact to 1e-5. So if
a verification fails only by differences, Keras is compared with the same net in float64. Each
runtime may then differ from Keras by a few times the error of Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._files import write_json
from kerasnets.exporting.precision import in_float64
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.verification.runtimes import (
    compare,
    largest_case,
    read_reference,
    write_checksums,
)
from kerasnets.exporting.verification.runtimes.rounding import LARGEST, allowed_difference
from kerasnets.exporting.verification.task_metrics import Labelled
from kerasnets.exporting.verification.verify import TOLERANCE, Verification, run_verification


def verify_with_rounding(
    served: Served, card: dict[str, Any], folder: Path, tolerance: float, test: Labelled | None
) -> Verification:
    """Verify a version folder, if necessary with the tolerance that float32 needs.

    Args:
        served: the exported model.
        card: the content of ``card.json``. It gets the entry ``rounding`` if that is necessary: the
            error of Keras in float32 for each output.
        folder: the version folder, with checksums.
        tolerance: the largest difference allowed for exact outputs. One below 1e-5 is meant
            literally.
        test: labelled examples.
    """
    verification = run_verification(folder, tolerance, test)
    only_differences = all(" differs from Keras by " in x for x in verification.failures)
    if verification.ok or not only_differences or tolerance < TOLERANCE:
        return verification
    errors = rounding_errors(served, folder / "reference.npz")
    if not any(tolerance < allowed_difference(error) for error in errors.values()):
        return verification
    card["rounding"] = errors
    write_json(folder / "card.json", card)
    write_checksums(folder)
    return run_verification(folder, tolerance, test)


def rounding_errors(served: Served, reference: Path) -> dict[str, float]:
    """The error of Keras in float32 for each output: its difference from float64.

    It is measured on the largest batch of the reference.

    Args:
        served: the exported model.
        reference: the file ``reference.npz``.

    Returns:
        The largest difference by output, as in :class:`Verification`. Empty if Keras cannot build
        the net in float64, or if the error is so large that the outputs say nothing.
    """
    cases = read_reference(reference)
    inputs, outputs = cases[largest_case(cases)]
    exact = _run_in_float64(served, inputs)
    if exact is None:
        return {}
    errors = {
        name: compare(name, value.astype("float64"), exact[name].astype("float64"), np.inf)[0]
        for name, value in outputs.items()
        if value.dtype.kind == "f"
    }
    return errors if max(errors.values(), default=0.0) <= LARGEST else {}


def _run_in_float64(served: Served, inputs: Arrays) -> Mapping[str, np.ndarray] | None:
    model = in_float64(served.model)
    if model is None:
        return None
    task = {"task": served.task} if served.task is not None else {"classifier": False}
    copy = serve(model, **task)
    if [info.name for info in copy.outputs] != [info.name for info in served.outputs]:
        return None
    return copy.run(inputs)
