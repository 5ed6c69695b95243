"""Print the time of each operation in a training step.

    python scripts/benchmarks/operations.py NET [--xla] [--threads 2] [--top 20]

TensorFlow's profiler records a hundred steps. The table has the microseconds per step, including
the overhead of the profiler, and the share of all operations. Operations that run at the same time
in two threads are counted twice.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import tempfile
import time
from pathlib import Path

_STEPS = 100


def main() -> None:
    """Profile a net and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("net")
    parser.add_argument("--xla", action="store_true")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--top", type=int, default=20)
    arguments = parser.parse_args()
    os.environ["TF_NUM_INTRAOP_THREADS"] = arguments.threads  # before TensorFlow starts
    microseconds, operations = profile(arguments.net, arguments.xla)
    total = sum(operations.values())
    print(f"{arguments.net}: {microseconds:,.0f} µs per step, {total:,.0f} of them in operations")
    kinds: collections.Counter[str] = collections.Counter()
    for name, spent in operations.items():
        kinds[_kind_of(name)] += spent
    print("  " + ", ".join(f"{kind} {spent:,.0f}" for kind, spent in kinds.most_common()))
    for name, spent in operations.most_common(arguments.top):
        print(f"{spent:10.1f} {100 * spent / total:5.1f} %  {name}")


def profile(net: str, xla: bool) -> tuple[float, collections.Counter[str]]:
    """Return the microseconds per step without the profiler, and per operation with it."""
    import keras_side

    from kerasnets._lazy import tf

    model, train = keras_side.compiled_net(net)
    run_steps, max_steps = keras_side.compiled_steps(model, keras_side.source_of(train), xla)
    count = min(max_steps, _STEPS)

    def run() -> float:
        started = time.perf_counter()
        run_steps(count)
        return (time.perf_counter() - started) / count * 1e6

    run()
    alone = min(run() for _ in range(5))
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            run()
        return alone, _operations(Path(folder), count)


def _operations(folder: Path, steps: int) -> collections.Counter[str]:
    """Return the microseconds per step of each operation, from the trace of the profiler."""
    from tensorflow.tsl.profiler.protobuf.xplane_pb2 import XSpace

    space = XSpace()
    space.ParseFromString(next(folder.rglob("*.xplane.pb")).read_bytes())
    spent: collections.Counter[str] = collections.Counter()
    counted: collections.Counter[str] = collections.Counter()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            name = plane.event_metadata[event.metadata_id].name
            spent[name] += event.duration_ps / 1e6 / steps
            counted[name] += 1
    # An operation inside the loop runs at least once per step, others run once per call.
    inner = {name: time for name, time in spent.items() if counted[name] >= steps}
    wanted = {name: time for name, time in inner.items() if _is_operation(name)}
    return collections.Counter(wanted)


def _kind_of(name: str) -> str:
    """Return the kind of an operation. XLA names Adam's loops after their last operations."""
    kinds = {
        "products": "MatMul",
        "convolutions": "Conv2D",
        "update": "^divide_subtract|^multiply_add_fusion|ResourceApplyAdam",
        "pooling": "Pool",
    }
    return next((kind for kind, sign in kinds.items() if re.search(sign, name)), "other")


def _is_operation(name: str) -> bool:
    """Whether an event is an operation of TensorFlow, ``path:Kind``, or of XLA."""
    of_tensorflow, of_xla = r"[^\s:]+:\w+", r"(?!while|call|conditional)[a-z][\w.-]*"
    return re.fullmatch(f"{of_tensorflow}|{of_xla}", name, re.IGNORECASE) is not None


if __name__ == "__main__":
    main()
