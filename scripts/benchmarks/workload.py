"""What all benchmarks share: batch sizes, random arrays, and how throughput is measured."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

BATCH = 32
PREDICTION_BATCH = 256


def shapes(net: str) -> tuple[int, tuple[int, ...], int]:
    """Number of rows, shape of one row, and number of classes for a net."""
    if net.startswith("seizure"):
        # One time step per sample is 178 steps per row, so fewer rows take long enough.
        one_step_per_sample = net.startswith("seizure-gru") and net != "seizure-gru-stepped"
        return (960 if one_step_per_sample else 6_912), (178,), 5
    if net.startswith(("lenet", "digit")):
        return 3_200, (28, 28, 1), 10
    return 6_400, ((11,) if net.startswith("covid") else (2,)), 2


def arrays(net: str) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs and class labels for a net, always the same ones."""
    rows, shape, classes = shapes(net)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, *shape)).astype("float32")
    return x, rng.integers(0, classes, rows).astype("int32")


def rate(epoch: Callable[[], int], seconds: float) -> float:
    """Samples per second over full epochs, measured for at least ``seconds``.

    Args:
        epoch: runs one or more epochs and returns the number of samples.
        seconds: the shortest time to measure.
    """
    samples, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        samples += epoch()
    return samples / elapsed
