"""Draw docs/images/speed.png from docs/speed.json, without measuring anything.

python scripts/benchmarks/speed_figure.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from tables import ratio_to

from kerasnets._style import COLORS, FAINT, MUTED, new_figure, save_figure_as, style

ROOT = Path(__file__).resolve().parents[2]
# The competitors as in speed.json, with their labels and markers.
_OTHERS = {
    "torch eager": ("PyTorch, its usual loop", "o"),
    "torch best": ("PyTorch, the fastest of all settings tried", "s"),
    "keras fit": ("Keras, model.fit", "^"),
}
_TICKS = (1, 2, 5, 10, 20, 50)


def speed_figure(results: dict[str, Any]) -> Figure:
    """Plot how many times as fast kerasnets trains each net as its competitors.

    Args:
        results: the content of ``docs/speed.json``, with at least one net in ``training``.
    """
    nets = sorted(results["training"], key=lambda result: ratio_to(result, "torch eager"))
    ratios = np.array([[ratio_to(result, name) for name in _OTHERS] for result in nets])
    rows = np.arange(len(nets))
    machine = results["machine"]
    processor = machine["processor"].replace("(R)", "")
    subtitle = (
        f"Samples per second relative to the others; batches of 32, {machine['cpus']} cores "
        f"({processor}), TensorFlow {machine['versions']['tensorflow']}, "
        f"PyTorch {machine['versions']['torch'].partition('+')[0]}, {machine['date']}"
    )
    with style():
        title = f"How many times as fast kerasnets trains each of {len(nets)} nets"
        figure = new_figure(8.2, 0.25 * len(nets) + 1.1, title, subtitle)
        axes = figure.subplots()
        axes.hlines(rows, ratios.min(axis=1), ratios.max(axis=1), color=FAINT, linewidth=3)
        for (label, marker), values, color in zip(_OTHERS.values(), ratios.T, COLORS, strict=False):
            axes.plot(values, rows, marker, color=color, label=label, markersize=5.5)
        axes.axvline(1, color=MUTED, linewidth=1.2)
        axes.annotate(
            "equally fast", (1, len(nets) - 0.4), xytext=(4, 0), textcoords="offset points",
            size=8.5, color=MUTED, va="center",
        )  # fmt: skip
        axes.set(xscale="log", xticks=_TICKS, xlabel="times as fast")
        axes.set(xlim=(min(0.9, ratios.min() / 1.1), ratios.max() * 1.15), ylim=(-0.7, len(nets)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ×"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_yticks(rows, [result["net"] for result in nets])
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside lower left", ncols=3)
    return figure


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw the figure of all nets, if any was trained.

    Args:
        results: the content of ``docs/speed.json``.
        path: the PNG file to write.
    """
    if results.get("training"):
        save_figure_as(speed_figure(results), path, "speed")


if __name__ == "__main__":
    draw(
        json.loads((ROOT / "docs" / "speed.json").read_text(encoding="utf-8")),
        ROOT / "docs" / "images" / "speed.png",
    )
