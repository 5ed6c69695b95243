"""What XLA costs and saves for every net, and whether the rule takes the better way.

    python scripts/benchmarks/xla_rule.py [--nets 'seizure-*'] [--json FILE]

Both ways run in one process, one after the other. The rule of ``kerasnets.engine.autotune`` is then
asked for trainings of 100 to 1,000,000 steps. "Loss" is the time of the way it takes divided by the
time of the better way.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from workload import BATCH, arrays

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.engine.adapt import build
from kerasnets.engine.autotune import Cost, choose_xla, estimate, measure
from kerasnets.engine.loop import Loop, Options, XlaCannotError
from kerasnets.engine.schedule import EpochSchedule
from kerasnets.engine.sources import ArraySource, Examples, Source

STEPS = (100, 1_000, 4_000, 10_000, 40_000, 200_000, 1_000_000)


def training_data(net: str) -> tuple[Source, dict[str, Any]]:
    """Return the data a net is timed on, and the arguments it is built with for them."""
    if net.startswith("mortality"):
        train = kn.load_data("mortality-simulated").train
        return Examples(train.x, train.y), {"features": train.x.features}
    x, y = arrays(net)
    return ArraySource((x, y)), {"samples": x.shape[1]} if net == "seizure-spectral-long" else {}


def costs(net: str) -> dict[str, Any]:
    """Measure both ways of training a net, and ask the rule."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    source, arguments = training_data(net)
    model = kn.build(net, **arguments)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    build(model, source)
    steps = EpochSchedule(len(source), BATCH, buckets=source.buckets, shuffle=True).epoch(0)
    result: dict[str, Any] = {"net": net}
    for xla in (False, True):
        way = "xla" if xla else "plain"
        loop = Loop(model, source, BATCH, Options(xla=xla, fuse=True))
        part, first, last = next(loop.segments(steps))
        tensors = source.tensors()

        def run(count: int, loop: Any = loop, at: Any = (tensors, part, first)) -> None:
            float(loop(*at, at[2] + count)["loss"])

        try:
            cost = measure(model, run, last - first)
        except XlaCannotError:
            cost = Cost(float("inf"), float("inf"))
        result[way] = [cost.compile, cost.step]
        guess = estimate(model, source, BATCH, xla=xla)
        result[f"{way} by rule"] = [guess.compile, guess.step]
    plain, xla_cost = Cost(*result["plain"]), Cost(*result["xla"])
    for count in STEPS:
        chosen = choose_xla(model, source, BATCH, count)
        taken = (xla_cost if chosen else plain).of(count)
        result[str(count)] = [chosen, taken / min(plain.of(count), xla_cost.of(count))]
    return result


def main() -> None:
    """Print a table and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", default="*")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    print("| net | TensorFlow: compile s, step µs | XLA | rule: TensorFlow | rule: XLA | loss |")
    print("|---|---:|---:|---:|---:|---:|")
    for net in kn.list_nets(arguments.nets):
        row = costs(net)
        rows.append(row)
        cells = [
            f"{row[name][0]:.1f}, {row[name][1] * 1e6:,.0f}"
            for name in ("plain", "xla", "plain by rule", "xla by rule")
        ]
        worst = max(row[str(count)][1] for count in STEPS)
        print(f"| {net} | {' | '.join(cells)} | {worst:.2f} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
