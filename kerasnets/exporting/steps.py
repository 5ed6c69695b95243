"""The smallest number of steps that a model with a free time axis takes."""

from __future__ import annotations

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.samples import Arrays, first_samples, random_samples, shorten, steps_of
from kerasnets.exporting.signature import Served

# The sizes of free axes that are tried if there are no examples.
_SIZES = (12, 24, 48, 96, 192, 384, 768, 1536, 3072)


def runnable_samples(served: Served, like: object = None) -> Arrays:
    """Random inputs with as many steps as the model needs.

    Args:
        served: the model.
        like: examples that determine the number of steps, as for
            :func:`~kerasnets.exporting.samples.random_samples`.
    """
    if like is not None or not any(None in info.shape[1:] for info in served.inputs):
        return random_samples(served, like)
    for size in _SIZES:
        samples = random_samples(served, free_axis=size)
        if _runs(served, first_samples(samples, 1)):
            return samples
    return random_samples(served)  # the error of Keras is raised later


def smallest_steps(served: Served, samples: Arrays) -> int | None:
    """Find the smallest number of steps with which Keras can run a model.

    For example, a pooling of two steps without padding leaves nothing of a single step. It is
    assumed that a model that runs with some number of steps also runs with more.

    Args:
        served: the model.
        samples: inputs with which it runs.

    Returns:
        The number of steps; ``None`` if the time axis is not free.
    """
    row = first_samples(samples, 1)
    if not (largest := steps_of(served, samples, free_only=True)):
        return None
    if _runs(served, shorten(served, row, 1)):
        return 1
    fails, runs = 1, largest
    while runs - fails > 1:
        middle = (fails + runs) // 2
        if _runs(served, shorten(served, row, middle)):
            runs = middle
        else:
            fails = middle
    return runs


def _runs(served: Served, inputs: Arrays) -> bool:
    try:
        outputs = served.run(inputs)
    except (ValueError, tf.errors.OpError):
        return False
    return all(
        value.size and (value.dtype.kind != "f" or np.isfinite(value).all())
        for value in outputs.values()
    )
