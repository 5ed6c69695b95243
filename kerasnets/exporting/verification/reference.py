"""The file ``reference.npz``: inputs, and the outputs of Keras that runtimes must reproduce."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.batch_size import largest_batch
from kerasnets.exporting.rows import rows_are_independent
from kerasnets.exporting.samples import Arrays, first_samples
from kerasnets.exporting.signature import Served
from kerasnets.exporting.steps import smallest_steps
from kerasnets.exporting.verification.cases import Case, verification_cases

# The rows that are compared to find out whether they depend on each other, also for a large model.
_ROWS = 7
_FEW_ROWS = 3


def write_cases(served: Served, samples: Arrays, path: Path) -> dict[str, Any]:
    """Find out which cases a model has, and write their reference.

    Args:
        served: the model.
        samples: inputs with which it runs.
        path: the ``.npz`` to write.

    Returns:
        Entries for the card: ``min_steps``, the smallest number of steps of a free time axis;
        ``largest_batch``, if a large model gets smaller batches than others; ``checks_rows``,
        whether the rows of a batch are independent; and the names of the ``cases``.

    Raises:
        ValueError: the samples have too few steps.
    """
    entries: dict[str, Any] = {}
    if (shortest := smallest_steps(served, samples)) is not None:
        entries["min_steps"] = shortest
    batch = largest_batch(served, samples)
    if batch.is_limited:
        entries["largest_batch"] = asdict(batch)
    compared = _FEW_ROWS if batch.is_limited else _ROWS
    guarded = entries["checks_rows"] = rows_are_independent(served, samples, compared)
    cases = verification_cases(served, samples, shortest or 1, largest=batch.rows, guarded=guarded)
    return entries | {"cases": write_reference(served, cases, samples, path)}


def write_reference(
    served: Served, cases: Iterable[Case], samples: Arrays, path: Path
) -> list[str]:
    """Write the inputs of every case with the outputs of the Keras model.

    The file holds the arrays ``<case>/inputs/<name>`` and ``<case>/outputs/<name>``. The outputs of
    invalid rows are NaN.

    Args:
        served: the model. It is run eagerly, so that an error in tracing cannot affect both sides
            of the comparison.
        cases: the cases.
        samples: inputs with which the model runs. Keras itself cannot run all layers without
            rows, so their outputs are those for a sample without its row.
        path: the ``.npz`` to write.

    Returns:
        The names of the cases.
    """
    contents: Arrays = {}
    names = []
    runs = _Runs(served)
    for case in cases:
        outputs = _outputs(runs, case, samples)
        if outputs is None:
            continue
        contents |= {f"{case.name}/inputs/{name}": value for name, value in case.inputs.items()}
        contents |= {f"{case.name}/outputs/{name}": value for name, value in outputs.items()}
        names.append(case.name)
    np.savez_compressed(path, **contents)  # type: ignore[arg-type]  # names, not options
    return names


class _Runs:
    """The Keras model, which runs once for inputs that several cases have."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._known: list[tuple[Arrays, Arrays]] = []

    def run(self, inputs: Arrays) -> Arrays:
        for known, outputs in self._known:
            if all(np.array_equal(known[name], array) for name, array in inputs.items()):
                return outputs
        outputs = self._served.run(inputs)
        self._known.append((inputs, outputs))
        return outputs


def _outputs(runs: _Runs, case: Case, samples: Arrays) -> Arrays | None:
    """The outputs of Keras; ``None`` if the case is not required and Keras cannot run it."""
    inputs = case.same_as or case.inputs
    if not len(next(iter(inputs.values()))):
        outputs = runs.run(first_samples(samples, 1))
        return {name: value[:0] for name, value in outputs.items()}
    try:
        outputs = runs.run(inputs)
    except (ValueError, tf.errors.OpError):
        if case.required:
            raise
        return None
    finite = all(np.isfinite(value).all() for value in outputs.values() if value.dtype.kind == "f")
    if not (case.required or finite):
        return None
    return {name: _marked(value, case.invalid_rows) for name, value in outputs.items()}


def _marked(output: np.ndarray, rows: tuple[int, ...]) -> np.ndarray:
    """The output with NaN in some rows, if its type has NaN."""
    if not rows or output.dtype.kind != "f":
        return output
    output = output.copy()
    output[list(rows)] = np.nan
    return output
