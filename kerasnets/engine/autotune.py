"""XLA or not: decided for each net by what it costs on this machine.

XLA fuses small operations, as in dense nets and in the loop of a recurrent layer, but takes
longer to compile, and TensorFlow's own convolutions are faster than its. A few steps of each way
are timed, and the way is chosen that ends the training first, compiling included. What was
measured is kept in the user's cache, so that the next training of the same net on the same
machine neither measures nor chooses otherwise.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kerasnets._files import write_json
from kerasnets._lazy import keras, tf
from kerasnets.data.locate import cache_dir

# XLA is not even tried where plain TensorFlow ends within this many times its own compile time.
_WORTH_TRYING = 3
_SECONDS_TO_MEASURE = 0.2
# Of what the steps are made of here: costs measured before the last change are not asked.
_REVISION = 2


@dataclass(frozen=True)
class Cost:
    """What one way of running steps takes.

    Attributes:
        compile: seconds until the first step is done.
        step: seconds a step from then on.
    """

    compile: float
    step: float

    def of(self, steps: int) -> float:
        """Seconds for some steps, compiling included."""
        return self.compile + steps * self.step


# With XLA under True, without under False; None where XLA cannot.
Costs = dict[bool, Cost | None]


def choose(
    costs: Costs, measure_xla: Callable[[], Cost | None], steps: int, shapes: int = 1
) -> bool:
    """Whether XLA ends a training of some steps first.

    Args:
        costs: the plain one is there; that with XLA is added where it is needed and not there.
        measure_xla: compiles with XLA and measures; gives None if XLA cannot.
        steps: of the whole training.
        shapes: how many XLA would compile one by one.
    """
    plain = costs[False]
    if plain is None:
        raise ValueError("The cost without XLA is needed.")
    if True not in costs:
        if steps * plain.step < _WORTH_TRYING * plain.compile * shapes:
            return False
        costs[True] = measure_xla()
    xla = costs[True]
    return xla is not None and xla.of(steps) < plain.of(steps)


def measure(model: keras.Model, run: Callable[[int], Any], most: int) -> Cost:
    """Time a few steps and leave the model as it was, to the bit.

    Args:
        model: compiled and built.
        run: runs some steps and waits for them; the first call compiles.
        most: steps there are to run.
    """
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [variable.numpy() for variable in variables]
    started = time.perf_counter()
    run(1)
    compiled = time.perf_counter() - started

    def seconds(steps: int) -> float:
        started = time.perf_counter()
        run(steps)
        return time.perf_counter() - started

    steps = 1
    while seconds(steps) < _SECONDS_TO_MEASURE / 4 and steps < most:
        steps = min(4 * steps, most)
    # Once more: what runs for the first time, as each padded time of sequences, takes longer.
    step = seconds(steps) / steps
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    return Cost(compiled, step)


def costs_file(model: keras.Model, *what: Any) -> Path:
    """Where the costs of a net are kept: by its layers, whatever else is given, and the machine.

    Args:
        model: compiled.
        what: batch size, shapes, anything that the costs depend on.
    """
    machine = {
        "processor": _processor(),
        "threads": tf.config.threading.get_intra_op_parallelism_threads()
        or os.environ.get("TF_NUM_INTRAOP_THREADS"),
        "versions": [tf.__version__, keras.__version__, _REVISION],
    }
    given = [model.to_json(), type(model.optimizer).__name__, repr(what), machine]
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    return cache_dir() / "costs" / f"{model.name}-{digest[:16]}.json"


def read_costs(path: Path) -> Costs:
    """The costs kept in a file; none where there is no such file, or it is damaged."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {name == "xla": Cost(**cost) if cost else None for name, cost in kept.items()}
    except (OSError, ValueError, TypeError):
        return {}


def write_costs(path: Path, costs: Costs) -> None:
    """Keep the costs, where the cache can be written to."""
    with contextlib.suppress(OSError):
        named = {"xla" if xla else "plain": cost for xla, cost in costs.items()}
        write_json(path, {name: asdict(cost) if cost else None for name, cost in named.items()})


def _processor() -> str:
    """What the processor is called; on Linux, its model."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
