"""Times of exported files, for the tables of runtimes and of smaller weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from kerasnets.exporting.samples import Arrays, first_samples


def times(runs: Sequence[Callable[[Arrays], Any]], samples: Arrays, calls: int) -> list[float]:
    """Median milliseconds of a call with one example, per function; they take turns.

    Args:
        runs: functions of inputs by name.
        samples: inputs by name.
        calls: the number of calls of each function.
    """
    one = first_samples(samples, 1)
    found: list[list[float]] = [[] for _ in runs]
    for _ in range(calls):
        for run, seconds in zip(runs, found, strict=True):
            start = time.perf_counter()
            run(one)
            seconds.append(time.perf_counter() - start)
    return [median(seconds) * 1e3 for seconds in found]
