"""The file ``reference.npz``: inputs, and the outputs of Keras that runtimes must reproduce."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.cases import Case, verification_cases


def write_reference(served: Served, samples: Arrays, path: Path) -> list[str]:
    """Write the inputs of every case with the outputs of the Keras model.

    The file holds the arrays ``<case>/inputs/<name>`` and ``<case>/outputs/<name>``. Equal arrays
    are stored once: the JSON text ``same`` maps each name that was left out to the stored one.

    Args:
        served: the model. It is run eagerly, so that an error in tracing cannot affect both sides
            of the comparison.
        samples: inputs, as :func:`~kerasnets.exporting.samples.as_samples` returns them.
        path: the ``.npz`` to write.

    Returns:
        The names of the cases.
    """
    contents: Arrays = {}
    names = []
    for case in verification_cases(served, samples):
        outputs = _outputs(served, case)
        if outputs is None:
            continue
        contents |= {f"{case.name}/inputs/{name}": value for name, value in case.inputs.items()}
        contents |= {f"{case.name}/outputs/{name}": value for name, value in outputs.items()}
        names.append(case.name)
    stored, same = _deduplicate(contents)
    np.savez_compressed(path, same=json.dumps(same), **stored)  # type: ignore[arg-type]
    return names


def _outputs(served: Served, case: Case) -> Arrays | None:
    """The outputs of Keras; ``None`` if the case is not required and Keras cannot run it."""
    try:
        outputs = served.run(case.same_as or case.inputs)
    except (ValueError, tf.errors.InvalidArgumentError):
        if case.required:
            raise
        return None
    finite = all(np.isfinite(value).all() for value in outputs.values() if value.dtype.kind == "f")
    return outputs if case.required or finite else None


def _deduplicate(arrays: Arrays) -> tuple[Arrays, dict[str, str]]:
    """The distinct arrays, and for every other name the name of the equal array."""
    stored: Arrays = {}
    same: dict[str, str] = {}
    first: dict[tuple[object, ...], str] = {}
    for name, array in arrays.items():
        digest = hashlib.sha256(array.tobytes()).digest()
        original = first.setdefault((array.dtype.str, array.shape, digest), name)
        if original == name:
            stored[name] = array
        else:
            same[name] = original
    return stored, same
