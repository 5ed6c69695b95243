"""Speed of ``kerasnets.fit`` on the models of the tests, compared with Keras's fit and PyTorch.

    python scripts/benchmarks/fit.py [--models 'cnn*'] [--rounds 5] [--json fit.json] [--quick]

A round of one competitor trains for at least half a second, in batches of 32 from data in memory,
with shuffling. The competitors take turns in every round, so that other work on the machine affects
all of them. Compilation is not measured. The ratios are ratios of medians; above 1, kerasnets is
faster. PyTorch is optional: without it, its columns stay empty.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tables import markdown, spread

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # to import the models of the tests

import kerasnets as kn  # noqa: E402
from kerasnets._lazy import keras  # noqa: E402
from tests.engine.models import CASES, Case, arguments, build  # noqa: E402

HAS_TORCH = importlib.util.find_spec("torch") is not None
BATCH = 32
_SECONDS_PER_ROUND = 0.5
_EPOCHS = 10  # per call of a fit

Epochs = Callable[[], int]  # trains some epochs and returns the number of rows


def main() -> None:
    """Measure, and print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", default=["*"], help="shell patterns")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--quick", action="store_true", help="one short round: a smoke test")
    options = parser.parse_args()
    rounds, rows = (1, 64) if options.quick else (options.rounds, options.rows)
    seconds = 0.0 if options.quick else _SECONDS_PER_ROUND
    names = [n for n in CASES if any(fnmatch.fnmatch(n, pattern) for pattern in options.models)]
    results = []
    for name in names:
        results.append(measure(name, rows, rounds, seconds))
        print(f"{name}: {ratio(results[-1], 'keras'):.1f} × fit", file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))


def measure(name: str, rows: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Return the samples per second of every competitor, one number per round."""
    keras.backend.clear_session()
    case = CASES[name]
    competitors = {
        "kerasnets": keras_epochs(case, rows, lambda model, **args: kn.fit(model, **args)),
        "keras": keras_epochs(case, rows, lambda model, **args: model.fit(**args)),
    }
    if HAS_TORCH and (epochs := _torch_epochs(name, rows)) is not None:
        competitors["torch"] = epochs
    for epochs in competitors.values():
        epochs()  # compiles
    rates: dict[str, list[float]] = {who: [] for who in competitors}
    for _ in range(rounds):
        for who, epochs in competitors.items():
            rates[who].append(rate(epochs, seconds))
    return {"model": name, "kind": case.kind, "rows": rows, "rates": rates}


def keras_epochs(case: Case, rows: int, fit: Callable[..., Any]) -> Epochs:
    """Return a function that trains a new model of a case for some epochs."""
    model, fit_arguments = build(case), arguments(case, rows)

    def epochs() -> int:
        fit(model, **fit_arguments, batch_size=BATCH, epochs=_EPOCHS, verbose=0)
        return _EPOCHS * rows

    return epochs


def _torch_epochs(name: str, rows: int) -> Epochs | None:
    import torch_fit

    data = CASES[name].data(rows, np.random.default_rng(0))
    return torch_fit.make_epochs(name, data, BATCH)


def rate(epochs: Epochs, seconds: float) -> float:
    """Return the samples per second of one or more calls that take at least ``seconds``."""
    samples, started = 0, time.perf_counter()
    while True:
        samples += epochs()
        if (taken := time.perf_counter() - started) >= seconds:
            return samples / taken


def ratio(result: dict[str, Any], competitor: str) -> float:
    """Return the speed of kerasnets divided by the speed of a competitor."""
    rates = result["rates"]
    return float(np.median(rates["kerasnets"]) / np.median(rates[competitor]))


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table, with the median ratio below."""
    rows = []
    for result in results:
        rates = result["rates"]
        torch = (
            [spread(rates["torch"]), f"{ratio(result, 'torch'):.1f}"] if "torch" in rates else []
        )
        rows.append([
            result["model"], result["kind"], spread(rates["kerasnets"]), spread(rates["keras"]),
            f"{ratio(result, 'keras'):.1f}", *(torch or ["", ""]),
        ])  # fmt: skip
    header = ["model", "kind", "kerasnets", "Keras fit", "× fit", "PyTorch", "× PyTorch"]
    lines = [markdown(header, rows)]
    for who, title in (("keras", "Keras's fit"), ("torch", "PyTorch")):
        if ratios := [ratio(result, who) for result in results if who in result["rates"]]:
            lines.append(
                f"Speed relative to {title}: median {np.median(ratios):.1f} over {len(ratios)} "
                f"models, from {min(ratios):.1f} to {max(ratios):.1f}."
            )
    if not HAS_TORCH:
        lines.append("PyTorch is not installed, so it was not measured.")
    return "\n\n".join(lines)


if __name__ == "__main__":
    main()
