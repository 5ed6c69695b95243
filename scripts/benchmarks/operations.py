"""Time of a training step per operation.

    python scripts/benchmarks/operations.py NET [--xla] [--threads 2] [--top 20]

TensorFlow's profiler records a hundred steps. The output is the microseconds per step of each
operation, including the time of the profiler itself, and the share of all operations. If operations
run at the same time in two threads, both times are counted.
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
    """Profile a net and print the times."""
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
        print(f"{spent:10.1f} {spent / total:6.1%}  {name}")


def profile(net: str, xla: bool) -> tuple[float, collections.Counter[str]]:
    """Microseconds per step without the profiler, and per operation with the profiler."""
    import keras_side

    import kerasnets as kn
    from kerasnets._lazy import tf
    from kerasnets.training import steps
    from kerasnets.training.recipe import make_recipe

    train, arguments = keras_side.training_split(net)
    model = kn.build(net, **arguments)
    recipe = make_recipe(net, batch_size=32, schedule="constant")
    steps.compile_model(model, recipe, train)
    loop = steps.make_loop(model, train, recipe, xla)
    assert loop is not None  # noqa: S101 - the data fit in memory
    rows, buckets = steps.epoch_pieces(train, recipe, range(1))[0]
    last = min(len(rows), _STEPS)

    def run() -> float:
        started = time.perf_counter()
        float(loop(rows, buckets, 0, last)["loss"])
        return (time.perf_counter() - started) / last * 1e6

    run()
    alone = min(run() for _ in range(5))
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            run()
        return alone, _operations(Path(folder), last)


def _operations(folder: Path, steps: int) -> collections.Counter[str]:
    """Microseconds per step of each operation, read from the trace of the profiler."""
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
    # Operations inside the loop run at least once per step, those around it once per call.
    inner = {name: time for name, time in spent.items() if counted[name] >= steps}
    wanted = {name: time for name, time in inner.items() if _is_operation(name)}
    return collections.Counter(wanted)


def _kind_of(name: str) -> str:
    """The kind of an operation. XLA names a fused loop after its last operations."""
    kinds = {
        "products": "MatMul",
        "convolutions": "Conv2D",
        "update": "^divide_subtract|^multiply_add_fusion|ResourceApplyAdam",
        "pooling": "Pool",
    }
    return next((kind for kind, sign in kinds.items() if re.search(sign, name)), "other")


def _is_operation(name: str) -> bool:
    """Whether an event is an operation of TensorFlow (``path:Kind``) or of XLA."""
    of_tensorflow, of_xla = r"[^\s:]+:\w+", r"(?!while|call|conditional)[a-z][\w.-]*"
    return re.fullmatch(f"{of_tensorflow}|{of_xla}", name, re.IGNORECASE) is not None


if __name__ == "__main__":
    main()
