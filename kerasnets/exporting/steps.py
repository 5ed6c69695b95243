"""The smallest number of steps that a model with a free time axis takes."""

from __future__ import annotations

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.batch_size import largest_batch
from kerasnets.exporting.samples import Arrays, first_samples, random_samples, shorten, steps_of
from kerasnets.exporting.signature import Served

# The sizes of free axes that are tried if there are no examples. The first one is the default.
_SIZES = (12, 24, 48, 96, 192, 384, 768, 1536, 3072)


def runnable_samples(served: Served, like: object = None) -> Arrays:
    """Random inputs with as many steps as the model needs, as many as the largest batch has.

    Args:
        served: the model.
        like: examples that determine the number of steps, as for
            :func:`~kerasnets.exporting.samples.random_samples`.
    """
    free_axis = _SIZES[0]
    if like is None and any(None in info.shape[1:] for info in served.inputs):
        free_axis = next((n for n in _SIZES if _runs_with(served, n)), free_axis)
    row = random_samples(served, like, free_axis, count=1)
    return random_samples(served, like, free_axis, count=largest_batch(served, row).rows)


def _runs_with(served: Served, free_axis: int) -> bool:
    return _runs(served, random_samples(served, free_axis=free_axis, count=1))


def smallest_steps(served: Served, samples: Arrays) -> int | None:
    """Find the smallest number of steps with which Keras can run a model.

    For example, a pooling of two steps without padding leaves nothing of a single step. It is
    assumed that a model that runs with some number of steps also runs with more.

    Args:
        served: the model.
        samples: inputs with which it runs.

    Returns:
        The number of steps; ``None`` if the time axis is not free.

    Raises:
        ValueError: the samples have too few steps.
    """
    row = first_samples(samples, 1)
    if not (largest := steps_of(served, samples, free_only=True)):
        return None
    if _runs(served, shorten(served, row, 1)):
        return 1
    if _leaves_nothing(served, row):
        raise ValueError(
            f"samples have {largest} steps, of which a layer of {served.model.name!r} leaves none. "
            "Pass longer samples."
        )
    fails, runs = 1, largest
    while runs - fails > 1:
        middle = (fails + runs) // 2
        if _runs(served, shorten(served, row, middle)):
            runs = middle
        else:
            fails = middle
    return runs


def _runs(served: Served, inputs: Arrays) -> bool:
    # Without this question first, the kernels of TensorFlow may end the process, or compute a
    # window of more steps than there are from memory that nobody has written.
    if _leaves_nothing(served, inputs):
        return False
    try:
        outputs = served.run(inputs)
    except (ValueError, tf.errors.OpError):
        return False
    return all(
        value.size and (value.dtype.kind != "f" or np.isfinite(value).all())
        for value in outputs.values()
    )


def _leaves_nothing(served: Served, inputs: Arrays) -> bool:
    """Whether a layer would return an empty tensor, or none, for inputs of these shapes.

    The model is traced with these shapes, and nothing is computed.
    """
    specs = [tf.TensorSpec(inputs[info.name].shape, info.dtype) for info in served.inputs]
    try:
        concrete = tf.function(served, autograph=False).get_concrete_function(*specs)
    except (TypeError, ValueError, tf.errors.OpError):
        return True
    tensors = [x for operation in concrete.graph.get_operations() for x in operation.outputs]
    return any(
        x.dtype.is_floating and x.shape.rank is not None and x.shape.rank > 1 and 0 in x.shape
        for x in tensors
    )
