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
        value: over all folds, or the mean over the seeds of the protocol.
        interval: its 95 % interval by bootstrap over recordings, patients or rows, if known.
        protocol: how the data were split, and how many trainings the value is the mean of.
        source: the document with the result and the command that produced it.
    """

    __test__ = False  # not a test class, although its name starts with Test

    data: str
    metric: str
    value: float
    interval: tuple[float, float] | None
    protocol: str
    source: str

    def __str__(self) -> str:
        return f"{METRICS[self.metric]} {self.short}"

    @property
    def short(self) -> str:
        """The value alone, such as ``"71.0 %"``."""
        return f"{self._number(self.value)} %" if self.metric == "accuracy" else f"{self.value:.3f}"

    @property
    def with_interval(self) -> str:
        """The value with its interval, such as ``"71.0 % (67.2–74.9)"``."""
        if self.interval is None:
            return self.short
        low, high = map(self._number, self.interval)
        return f"{self.short} ({low}–{high})"

    def _number(self, value: float) -> str:
        return f"{100 * value:.1f}" if self.metric == "accuracy" else f"{value:.3f}"


@dataclass(frozen=True)
class NetFigures:
    """What is known about a net with its default arguments.

    Attributes:
        params: the number of parameters.
        flops: the FLOPs of one sample under the convention ``exact``: a number, or an expression in
            the number of time steps ``T``.
        test: our result on a test split with the default recipe, if known.
        test_as_reported: the same with the settings of the course reports.
        recommended: whether this net is a good first choice for its kind of data.
    """

    params: int | None = None
    flops: int | str | None = None
    test: TestFigure | None = None
    test_as_reported: TestFigure | None = None
    recommended: bool = False


def figures_of(name: str) -> NetFigures:
    """What is known about a net; nothing about a net that is not part of this package."""
    return _read().get(name, NetFigures())


@functools.cache
def _read() -> dict[str, NetFigures]:
    with Path(__file__).with_name("figures.csv").open(encoding="utf-8", newline="") as file:
        return {row["net"]: _figures(row) for row in csv.DictReader(file)}


def _figures(row: dict[str, str]) -> NetFigures:
    flops = int(row["flops"]) if row["flops"].isdecimal() else row["flops"]
    test, reported = _test_figure(row, "test"), _test_figure(row, "reported")
    return NetFigures(int(row["params"]), flops, test, reported, row["recommended"] == "yes")


def _test_figure(row: dict[str, str], column: str) -> TestFigure | None:
    if not row[column]:
        return None
    value, *interval = map(float, row[column].split())
    return TestFigure(
        row["data"],
        row["metric"],
        value,
        (interval[0], interval[1]) if interval else None,
        row["protocol"],
        row["source"],
    )
