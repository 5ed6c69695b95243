"""Models with sequences, and the cases of their reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.samples import Arrays, as_samples, random_samples
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.steps import smallest_steps
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.cases import verification_cases
from kerasnets.exporting.verification.reference import write_reference

import_tensorflow()
layers = keras.layers
SAMPLES = {"visits": np.ones((3, 8, 2)), "length": np.array([8, 3, 1])}


def sequence_model(kernel_size: int = 1) -> Served:
    visits = keras.Input((None, 2), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    x = layers.Conv1D(3, kernel_size)(visits)
    x = layers.GlobalAveragePooling1D()(x)
    x = x * keras.ops.cast(keras.ops.expand_dims(length, 1), "float32")
    return serve(keras.Model({"visits": visits, "length": length}, x))


def reference(
    served: Served, samples: object, folder: Path, *, guarded: bool = False
) -> dict[str, tuple[Arrays, Arrays]]:
    """The cases as they are read back."""
    inputs = random_samples(served) if samples is None else as_samples(served, samples)
    shortest = smallest_steps(served, inputs) or 1
    found = verification_cases(served, inputs, shortest, guarded=guarded)
    names = write_reference(served, found, inputs, folder / "r.npz")
    cases = runtimes.read_reference(folder / "r.npz")
    assert sorted(cases) == sorted(names)
    return cases
