"""The figures stated in the course reports S1–S5, and a check of those that are counts.

``claims.csv`` lists every stated figure. ``docs/reproduce.md`` says what the reports are. Counts
of parameters and FLOPs are checked here, under ``exact`` or under the convention of their report.
If a count is not reproduced, its note says why. Figures that need training
are checked by :mod:`kerasnets.studies.reproduce`.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from kerasnets import nets
from kerasnets._lazy import keras
from kerasnets._tables import terminal_width, text_table, wrapped
from kerasnets.profiling import profile

_HEADERS = ("Source", "System", "Quantity", "Stated", "Ours", "Reproduced")


@dataclass(frozen=True)
class Claim:
    """A figure stated in a report, next to ours.

    Attributes:
        source: the report, ``"S1"`` to ``"S5"``.
        system: the network or study that the figure belongs to.
        quantity: what the figure measures.
        stated: the figure as the report writes it.
        ours: our count, under the convention of the report if it has one; ``None`` if the figure
            is not a count.
        exact: our count under the convention ``exact``; ``None`` if the figure is not a count.
        reproduced_by: ``"count"``, ``"convention s2"`` or ``"convention s5"`` for counts that we
            reproduce, ``"no"`` for those that we do not; ``"train"``, ``"trees"`` or ``"study"``
            for figures that are not counts.
        note: the assumptions under which we reproduce the figure, or why the report is wrong.
    """

    source: str
    system: str
    quantity: str
    stated: str
    ours: int | None
    exact: int | None
    reproduced_by: str
    note: str

    @property
    def holds(self) -> bool | None:
        """Whether our count equals the stated figure; ``None`` if the figure is not a count."""
        return None if self.ours is None else self.stated == str(self.ours)


def check_claims(build: Callable[..., Any] = nets.build) -> list[Claim]:
    """Compute every count that the reports state.

    Args:
        build: a function that builds a network from its name and keyword arguments.

    Returns:
        One claim per row of ``claims.csv``, in the same order.
    """
    return [_check(row, build) for row in read_claims()]


def read_claims(part: str | None = None) -> list[dict[str, str]]:
    """Read the rows of ``claims.csv``.

    Args:
        part: return only the rows of this part, such as ``"counts"`` or ``"seizure"``.
    """
    text = files("kerasnets.studies").joinpath("claims.csv").read_text("utf-8")
    return [row for row in csv.DictReader(text.splitlines()) if part in (None, row["part"])]


def claim_arguments(text: str) -> dict[str, Any]:
    """Parse the ``arguments`` of a claim: ``NAME=VALUE`` separated by spaces, values in TOML."""
    return tomllib.loads(text.replace(" ", "\n"))


def _check(row: dict[str, str], build: Callable[..., Any]) -> Claim:
    ours = exact = None
    if row["part"] == "counts":
        net = _build_net(row, build)
        if row["quantity"] == "trainable parameters":
            ours = exact = profile(net).trainable_params
        else:
            exact = profile(net).flops
            method, _, convention = row["reproduced_by"].partition(" ")
            counted_differently = method == "convention"
            ours = profile(net, convention=convention).flops if counted_differently else exact
    return Claim(
        source=row["source"],
        system=row["system"],
        quantity=row["quantity"],
        stated=row["stated"],
        ours=ours,
        exact=exact,
        reproduced_by=row["reproduced_by"],
        note=row["note"],
    )


def _build_net(row: dict[str, str], build: Callable[..., Any]) -> Any:
    if row["net"] == "conv-exercise":  # an exercise of S4, not a network of the catalogue
        layers = [keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 5)]
        return keras.Sequential(layers, name=row["net"])
    return build(row["net"], **claim_arguments(row["arguments"]))


def claims_text(claims: list[Claim]) -> str:
    """Format the claims as a table, followed by the number of reproduced counts and the notes."""
    rows = [(c.source, c.system, c.quantity, c.stated, _ours(c), _verdict(c)) for c in claims]
    counts = [claim for claim in claims if claim.ours is not None]
    reproduced = sum(bool(claim.holds) for claim in counts)
    notes = [
        f"{c.source} {c.system}, {c.quantity} {c.stated} ({_verdict(c)}): {c.note}."
        for c in counts
        if c.note
    ]
    table = text_table(_HEADERS, rows, "lllrrl", width=terminal_width())
    notes = [wrapped(note, indent="  ") for note in notes]
    return "\n".join([table, f"{reproduced} of {len(counts)} counts reproduced. Notes:", *notes])


def _ours(claim: Claim) -> str:
    return "" if claim.ours is None else f"{claim.ours:,}"


def _verdict(claim: Claim) -> str:
    if claim.ours is None:
        return f"not a count ({claim.reproduced_by})"
    return claim.reproduced_by if claim.holds else "no"
