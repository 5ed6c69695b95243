"""What is known about the nets of the catalogue: their cost and our test results.

The table ``figures.csv`` has one line per net with its default arguments. Tests compare the
parameters and FLOPs with ``build`` and ``profile``. The documents in the column ``source`` contain
the test results, and the commands that produced them.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

METRICS = {"accuracy": "accuracy", "auroc": "AUROC"}


@dataclass(frozen=True)
class TestFigure:
    """A result of a net on a test split.

    Attributes:
        data: the data set.
        metric: ``"accuracy"`` or ``"auroc"``.
        value: the mean over the folds or seeds of the protocol.
        protocol: how the data were split, and how many trainings the value is the mean of.
        source: the document with the result and the command that produced it.
    """

    __test__ = False  # not a test class, although its name starts with Test

    data: str
    metric: str
    value: float
    protocol: str
    source: str

    def __str__(self) -> str:
        shown = f"{100 * self.value:.1f} %" if self.metric == "accuracy" else f"{self.value:.3f}"
        return f"{METRICS[self.metric]} {shown}"


@dataclass(frozen=True)
class NetFigures:
    """What is known about a net with its default arguments.

    Attributes:
        params: the number of parameters.
        flops: the FLOPs of one sample under the convention ``exact``: a number, or an expression in
            the number of time steps ``T``.
        test: our result on a test split, if known.
        recommended: whether this net is a good first choice for its kind of data.
    """

    params: int | None = None
    flops: int | str | None = None
    test: TestFigure | None = None
    recommended: bool = False


def figures_of(name: str) -> NetFigures:
    """What is known about a net; nothing about a net that is not part of this package."""
    return _read().get(name, NetFigures())


@functools.cache
def _read() -> dict[str, NetFigures]:
    with Path(__file__).with_name("figures.csv").open(encoding="utf-8", newline="") as file:
        return {row["net"]: _figures(row) for row in csv.DictReader(file)}


def _figures(row: dict[str, str]) -> NetFigures:
    test = None
    if row["test"]:
        names = ("data", "metric", "protocol", "source")
        test = TestFigure(value=float(row["test"]), **{name: row[name] for name in names})
    flops = int(row["flops"]) if row["flops"].isdecimal() else row["flops"]
    return NetFigures(int(row["params"]), flops, test, row["recommended"] == "yes")
