"""Measure every net with and without XLA, and check the rule that decides whether to use XLA.

    python scripts/benchmarks/xla_rule.py [--nets 'seizure-*'] [--json FILE]

Both are measured in one process, one after the other. The rule of ``kerasnets.engine.autotune`` is
then applied to trainings of 100 to 1,000,000 steps. "Loss" is the time with the choice of the rule,
divided by the time with the better choice.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from keras_side import compiled_net, compiled_steps, source_of
from workload import BATCH

import kerasnets as kn
from kerasnets.engine.autotune import Cost, choose_xla, estimate, measure
from kerasnets.engine.loop import XlaCannotError

STEPS = (100, 1_000, 4_000, 10_000, 40_000, 200_000, 1_000_000)


def costs(net: str) -> dict[str, Any]:
    """Measure the training of a net with and without XLA, and apply the rule."""
    model, train = compiled_net(net)
    source = source_of(train)
    result: dict[str, Any] = {"net": net}
    for xla in (False, True):
        way = "xla" if xla else "plain"
        try:
            cost = measure(model, *compiled_steps(model, source, xla))
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
    """Print a table, and write the numbers to a file."""
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
