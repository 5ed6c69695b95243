"""Measure how time grows with rows, sequence length and width, and the limits of the machine.

Each size is varied over a range. A line is fitted to the logarithms of size and time. A slope of 1
means that time is proportional to size.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from tables import ratio_to
from workload import BATCH, rate

import kerasnets as kn
from kerasnets._lazy import keras, tf

_EPOCHS = 10  # per call of fit
ADAM_FLOPS = 12  # per weight: 6 additions, 4 multiplications, a division, a root
RANGES: dict[str, tuple[str, tuple[int, ...]]] = {
    "rows": ("seizure-mlp", (2_000, 4_000, 8_000, 16_000, 32_000)),
    "sequence length": ("seizure-gru", (32, 64, 128, 256)),
    "width": ("seizure-mlp", (64, 128, 256, 512, 1_024)),
}


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return the seconds per epoch over each range, and the fitted slope."""
    results = []
    for along, (net, values) in RANGES.items():
        epochs = [prepare(along, net, value) for value in values]
        seconds: list[list[float]] = [[] for _ in values]
        for _ in range(rounds):
            for times, (epoch, rows) in zip(seconds, epochs, strict=True):
                times.append(rows / rate(epoch, 0.3))
        medians = np.median(seconds, axis=1)
        slope = float(np.polyfit(np.log(values), np.log(medians), 1)[0])
        last = float(np.log(medians[-1] / medians[-2]) / np.log(values[-1] / values[-2]))
        results.append({"along": along, "net": net, "values": list(values), "seconds": seconds,
                        "slope": slope, "slope of the last two": last})  # fmt: skip
    return results


def prepare(along: str, net: str, value: int) -> tuple[Any, int]:
    """Return a function that trains a net of this size for some epochs, and the number of rows."""
    rows = value if along == "rows" else 960
    arguments: dict[str, Any] = {"units": value} if along == "width" else {}
    samples = value if along == "sequence length" else 178
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, samples)).astype("float32")
    y = rng.integers(0, 5, rows).astype("int32")
    model = kn.build(net, samples=samples, **arguments)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])

    def epochs() -> int:
        kn.fit(model, x, y, BATCH, _EPOCHS, 0, xla="on", strict=True)
        return _EPOCHS * rows

    epochs()
    return epochs, rows


def machine_limits() -> dict[str, float]:
    """Return the peak FLOP/s of a large matrix product, and the bytes/s of adding long vectors."""
    size, length = 2_048, 1 << 25
    a, b = tf.random.normal((size, size)), tf.random.normal((size, size))
    u, v = tf.random.normal((length,)), tf.random.normal((length,))
    add = tf.function(lambda u, v: u + v)
    products = _best(lambda: tf.matmul(a, b).numpy())
    sums = _best(lambda: add(u, v)[0].numpy())
    return {"flops": 2 * size**3 / products, "bytes": 3 * 4 * length / sums}


def _best(run: Any) -> float:
    run()
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def bounds(training: list[dict[str, Any]], limits: dict[str, float]) -> list[dict[str, Any]]:
    """Return the share of the peak FLOP/s in training, and what limits the speed of a step."""
    results = []
    for result in training:
        net = result["net"]
        arguments = {"features": 81} if net.startswith("mortality") else {}
        model = kn.build(net, **arguments)
        time = {"time": 11} if net.startswith("mortality") else {}
        cost = kn.profile(model, mode="training", **time)
        step = BATCH / float(np.median(result["rates"]["ours"]))
        update_flops = ADAM_FLOPS * cost.trainable_params  # the profile counts the update once
        flops = (cost.flops - update_flops) * BATCH + update_flops
        arithmetic = flops / limits["flops"]
        # Adam reads weight, gradient and two moments, and writes weight and moments.
        update = 7 * 4 * cost.trainable_params / limits["bytes"]
        rest = max(0.0, step - arithmetic - update)
        parts = {"arithmetic": arithmetic, "update": update, "single operations": rest}
        results.append(
            {
                "net": net,
                "flops": flops / BATCH,
                "share": arithmetic / step,
                "ratio": ratio_to(result, "torch eager"),
                "microseconds": step * 1e6,
                "bound": max(parts, key=parts.__getitem__),
            }
        )
    return results
