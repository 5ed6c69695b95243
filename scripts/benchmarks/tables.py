"""Write the results as Markdown tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._tables import markdown_table, percent

# Goals of the ratio to eager PyTorch, by the start of the name of a net.
GOALS = {
    "seizure-mlp": 10, "digit-mlp": 10, "covid": 10, "xor": 10, "seizure-gru": 5,
    "seizure-bigru": 5, "mortality": 5, "seizure-cnn": 2, "lenet5": 2, "digit-cnn": 2,
}  # fmt: skip
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


def tables(results: dict[str, Any]) -> str:
    """All tables whose results exist."""
    makers = {
        "training": _training, "prediction": _prediction, "bounds": _bounds, "accuracy": _accuracy,
        "start-up": _start_up, "growth": _growth,
    }  # fmt: skip
    parts = [make(results) for name, make in makers.items() if results.get(name)]
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    parts.append(
        f"{machine['date']}, {machine['processor']}, {machine['cpus']} cores, load "
        f"{machine['load']:.1f} at the end, Python {machine['python']}, {versions}; "
        f"{machine['rounds']} rounds; torch.compile was "
        f"{'tried too' if machine['torch.compile'] else 'not tried'}."
    )
    return "\n\n".join(parts)


def _training(results: dict[str, Any]) -> str:
    rows = []
    for result in results["training"]:
        rates = result["rates"]
        ratios = {name: ratio_to(result, name) for name in rates if name != "ours"}
        goal = goal_of(result["net"])
        best = result["torch best"]
        rows.append([
            result["net"], *(spread(values) for values in rates.values()),
            f"{ratios['torch eager']:.1f} ({goal})",
            f"{ratios['torch best']:.1f}", f"{ratios['keras fit']:.1f}",
            f"{'XLA' if result['ours']['xla'] else 'TensorFlow'}, {result['ours']['threads']}",
            f"{best['way']}, {best['threads']}",
            f"{result['ours']['params']:,} / {best['params']:,}",
        ])  # fmt: skip
    return "## Training, samples per second\n\n" + markdown(
        ["net", "ours", "PyTorch eager", "PyTorch best", "Keras fit", "× eager (goal)", "× best",
         "× fit", "ours: mode, threads", "PyTorch best: mode, threads",
         "parameters: ours / PyTorch"],
        rows,
    )  # fmt: skip


def _prediction(results: dict[str, Any]) -> str:
    rows = []
    for result in results["prediction"]:
        ours, *others = result["rates"].values()
        ratios = [f"{np.median(ours) / np.median(other):.1f}" for other in others]
        rows.append([result["net"], *(spread(rates) for rates in (ours, *others)), *ratios])
    return "## Prediction, samples per second, batch size 256\n\n" + markdown(
        ["net", "ours", "PyTorch eager", "Keras predict", "× eager", "× predict"], rows
    )


def _bounds(results: dict[str, Any]) -> str:
    limits = results["limits"]
    rows = [
        [
            b["net"],
            f"{b['flops']:,.0f}",
            f"{b['microseconds']:,.0f}",
            percent(b["share"]),
            percent(b["share"] * goal_of(b["net"]) / b["ratio"]),
            b["bound"],
        ]
        for b in results["bounds"]
    ]
    return (
        "## Share of the peak performance\n\nThe peak is "
        f"{limits['flops'] / 1e9:,.0f} GFLOP/s for a 2,048 × 2,048 matrix product, and "
        f"{limits['bytes'] / 1e9:,.1f} GB/s for adding long vectors.\n\n"
    ) + markdown(
        [
            "net",
            "FLOPs per sample",
            "µs per step of 32",
            "share of peak",
            "share at the goal",
            "limited by",
        ],
        rows,
    )


def _accuracy(results: dict[str, Any]) -> str:
    rows = []
    for result in results["accuracy"]:
        seconds = result["seconds"]
        ours = np.median(seconds["ours"])
        rows.append([
            f"{result['task']}, {result['net']}, {percent(result['target'])}",
            *(spread(values, 1) for values in seconds.values()),
            *(f"{np.median(seconds[who]) / ours:.1f}" for who in seconds if who != "ours"),
        ])  # fmt: skip
    return "## Seconds from process start to a validation accuracy\n\n" + markdown(
        ["task", "ours", "PyTorch eager", "PyTorch best", "× eager", "× best"], rows
    )


def _start_up(results: dict[str, Any]) -> str:
    rows = [[result["what"], spread(result["seconds"], 2)] for result in results["start-up"]]
    return "## Start-up, seconds\n\n" + markdown(["action", "seconds"], rows)


def _growth(results: dict[str, Any]) -> str:
    rows = [
        [
            f"{result['along']} ({result['net']})",
            ", ".join(map(str, result["values"])),
            ", ".join(f"{np.median(times) * 1e3:.1f}" for times in result["seconds"]),
            f"{result['slope']:.2f}",
            f"{result['slope of the last two']:.2f}",
        ]
        for result in results["growth"]
    ]
    return "## Time per epoch by size\n\n" + markdown(
        ["size", "values", "milliseconds", "slope", "slope of the last two"], rows
    )


def goal_of(net: str) -> int:
    """The goal of the ratio to eager PyTorch for a net."""
    return next(goal for start, goal in GOALS.items() if net.startswith(start))


def spread(values: list[float], digits: int = 0) -> str:
    """The median, with the quartiles in brackets."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table. All columns but the first are right-aligned."""
    return markdown_table(header, rows, "l" + "r" * (len(header) - 1))


def write_tables(path: Path, text: str) -> None:
    """Put the tables between the marks of a page. Create the page if it does not exist."""
    page = path.read_text(encoding="utf-8") if path.is_file() else f"# Speed\n\n{_BEGIN}\n{_END}\n"
    before, _, rest = page.partition(_BEGIN)
    path.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{rest.partition(_END)[2]}", encoding="utf-8")


def ratio_to(result: dict[str, Any], name: str) -> float:
    """Training throughput of kerasnets divided by that of a competitor."""
    return float(np.median(result["rates"]["ours"]) / np.median(result["rates"][name]))
