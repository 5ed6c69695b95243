"""The digit nets of S3 and S4: LeNet-5 against a perceptron, depth against width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from kerasnets._files import atomic_write
from kerasnets._style import COLORS, MUTED, new_figure, style
from kerasnets.data import Dataset
from kerasnets.profiling import profile
from kerasnets.studies.claims import read_claims
from kerasnets.studies.results import Result, Row, result
from kerasnets.studies.trained import runs_of, trained_result
from kerasnets.studies.workspace import Workspace

SEEDS = (0, 1, 2)
_COLORS = {"S3": COLORS[0], "S4": COLORS[1]}


@dataclass(frozen=True)
class Digits:
    """What a digit net came to.

    Attributes:
        net: its name.
        source: the document it is of.
        stated: the test accuracy it states, in percent.
        epochs: passes over the training split.
        parameters: how many the net has.
        flops: one image costs, convention ``exact``.
        accuracies: on the test split, in percent, one a seed.
        seconds: a training took, on average.
    """

    net: str
    source: str
    stated: float
    epochs: int
    parameters: int
    flops: int
    accuracies: list[float]
    seconds: float

    @property
    def mean(self) -> float:
        """The mean accuracy over the seeds."""
        return float(np.mean(self.accuracies))


def reproduce_digits(work: Workspace) -> list[Result]:
    """Train the six digit nets with three seeds, write the page and its figure, answer the claims.

    On MNIST where it is found, else on scikit-learn's digits.
    """
    data = work.load("mnist", "digits")
    rows = read_claims("digits")
    about_nets = [row for row in rows if row["net"]]
    nets = {row["net"]: _measure(work, row, data) for row in about_nets}
    work.draw("digits", digit_figure(list(nets.values()), _subtitle(data, work)))
    with atomic_write(work.folder / "digits.md") as path:
        path.write_text(digit_page(list(nets.values()), _subtitle(data, work)), encoding="utf-8")
    same = data.name == "mnist"
    found = [trained_result(work, row, data, SEEDS, same_data=same) for row in about_nets]
    for row, better, worse in zip(
        (row for row in rows if not row["net"]),
        ("lenet5", "digit-mlp-3"),
        ("digit-mlp-tanh", "digit-mlp-1"),
        strict=True,
    ):
        ahead = nets[better].mean - nets[worse].mean
        found.append(
            result(row, ahead, data, holds=ahead > 0, same_data=same, quick=work.quick,
                   seeds=SEEDS[: len(nets[better].accuracies)])
        )  # fmt: skip
    return found


def digit_page(nets: Sequence[Digits], subtitle: str) -> str:
    """The nets as a page of Markdown."""
    lines = [
        "# LeNet-5 against a perceptron, depth against width",
        "",
        f"Made by `kerasnets reproduce digits`. {subtitle}. FLOPs by the convention `exact`.",
        "",
        "![Accuracy over parameters and FLOPs](digits.png)",
        "",
        "| net | parameters | FLOPs | epochs | mean test accuracy | each seed | stated | seconds |",
        "|---|---:|---:|---:|---:|---|---:|---:|",
    ]
    for net in nets:
        each = ", ".join(f"{value:.2f}" for value in net.accuracies)
        lines.append(
            f"| `{net.net}` | {net.parameters:,} | {net.flops:,} | {net.epochs} | {net.mean:.2f} "
            f"| {each} | {net.stated:.2f} ({net.source}) | {net.seconds:.0f} |"
        )
    return "\n".join([*lines, ""])


def digit_figure(nets: Sequence[Digits], subtitle: str) -> Figure:
    """Test accuracy over parameters and over FLOPs; a bar from the worst seed to the best."""
    with style():
        figure = new_figure(9.6, 4.2, "Digits: what accuracy costs", subtitle)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, what, label in zip(
            panels, ("parameters", "flops"), ("Parameters", "FLOPs an image"), strict=True
        ):
            _panel(axes, nets, [getattr(net, what) for net in nets])
            axes.set(xscale="log", xlabel=label)
            axes.set_xlim(*_wider([getattr(net, what) for net in nets]))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        panels[0].set_ylabel("Test accuracy (%)")
        handles = [
            panels[0].plot([], [], "o", color=color, label=f"ours, nets of {source}")[0]
            for source, color in _COLORS.items()
        ]
        handles += panels[0].plot(
            [], [], "o", color="none", markeredgecolor=MUTED, label="stated by the source"
        )
        figure.legend(handles=handles, loc="outside lower left", ncols=3)
    return figure


def _panel(axes: Axes, nets: Sequence[Digits], costs: Sequence[int]) -> None:
    for net, cost in zip(nets, costs, strict=True):
        color = _COLORS[net.source]
        low, high = min(net.accuracies), max(net.accuracies)
        axes.plot([cost, cost], [low, high], color=color, linewidth=2.5, alpha=0.5)
        axes.plot(cost, net.mean, "o", color=color, markersize=7)
        axes.plot(cost, net.stated, "o", color="none", markeredgecolor=color, markersize=7)
        axes.annotate(
            net.net, (cost, net.mean), xytext=(8, 0), textcoords="offset points", va="center",
            size=8.5, color=color,
        )  # fmt: skip


def _wider(costs: Sequence[int]) -> tuple[float, float]:
    """Limits with room for the names, which stand to the right."""
    return min(costs) / 1.5, max(costs) * 3


def _measure(work: Workspace, row: Row, data: Dataset) -> Digits:
    runs = runs_of(work, row, data, SEEDS)
    cost = profile(runs[0].model)
    return Digits(
        net=row["net"],
        source=row["source"],
        stated=float(row["stated"]),
        epochs=runs[0].recipe.epochs,
        parameters=cost.params,
        flops=int(cost.flops),
        accuracies=[100 * run.metrics["test"]["accuracy"] for run in runs],
        seconds=float(np.mean([run.seconds for run in runs])),
    )


def _subtitle(data: Dataset, work: Workspace) -> str:
    seeds = "one seed, QUICK: one epoch each" if work.quick else f"{len(SEEDS)} seeds"
    return (
        f"{len(data.test):,} test images of {data.name}, {len(data.train):,} to train on, {seeds}"
    )
