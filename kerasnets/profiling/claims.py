"""The counts that S1 to S5 state, each checked against ours.

``claims.csv`` lists every figure of the sources. A count is reproduced by counting, or under the
convention of its source, or not, with the reason. Figures that come from training are listed
without a check; :mod:`kerasnets.studies.reproduce` does the work they take.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from kerasnets._lazy import keras
from kerasnets.profiling.measure import profile
from kerasnets.profiling.table import boxed

COLUMNS = ("Source", "System", "Quantity", "Stated", "Ours", "Reproduced")


@dataclass(frozen=True)
class Claim:
    """A figure of a source beside ours.

    Attributes:
        source: ``"S1"`` to ``"S5"``.
        system: the network or study it is about.
        quantity: what is stated.
        stated: as the source writes it.
        ours: our count, under the source's convention where it has one; ``None`` where it is
            a figure of training, not of counting.
        exact: our count under ``exact``.
        reproduced_by: ``"count"``, ``"convention s2"`` and the like, or ``"no"``; ``"train"``,
            ``"trees"`` and ``"study"`` for what counting cannot check.
        note: the reading under which it holds, or why the source is off.
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
        """Whether ours is the stated figure; ``None`` where counting cannot say."""
        return None if self.ours is None else self.stated == str(self.ours)


def check_claims(build: Callable[..., Any]) -> list[Claim]:
    """Count everything the sources count.

    Args:
        build: builds a network by name, such as ``kerasnets.build``.
    """
    return [_checked(row, build) for row in read_claims()]


def read_claims(part: str | None = None) -> list[dict[str, str]]:
    """The rows of ``claims.csv``, of one part such as ``"counts"`` or ``"seizure"`` where given."""
    text = files("kerasnets.profiling").joinpath("claims.csv").read_text("utf-8")
    return [row for row in csv.DictReader(text.splitlines()) if part in (None, row["part"])]


def claim_arguments(text: str) -> dict[str, Any]:
    """The arguments of a claim: NAME=VALUE, as TOML writes values, separated by blanks."""
    return tomllib.loads(text.replace(" ", "\n"))


def _checked(row: dict[str, str], build: Callable[..., Any]) -> Claim:
    ours = exact = None
    if row["part"] == "counts":
        net = _net(row, build)
        if row["quantity"] == "trainable parameters":
            ours = exact = profile(net).trainable_params
        else:
            exact = profile(net).flops
            by, _, name = row["reproduced_by"].partition(" ")
            ours = profile(net, convention=name).flops if by == "convention" else exact
    return Claim(
        row["source"],
        row["system"],
        row["quantity"],
        row["stated"],
        ours,
        exact,
        row["reproduced_by"],
        row["note"],
    )


def _net(row: dict[str, str], build: Callable[..., Any]) -> Any:
    if row["net"] in _DRAWN:
        shape, layers = _DRAWN[row["net"]]
        return keras.Sequential([keras.Input(shape), *layers()], name=row["net"])
    return build(row["net"], **claim_arguments(row["arguments"]))


def claims_text(claims: list[Claim]) -> str:
    """The claims as a table, and how many hold."""
    body = [(c.source, c.system, c.quantity, c.stated, _ours(c), _verdict(c)) for c in claims]
    counted = [claim for claim in claims if claim.ours is not None]
    held = sum(bool(claim.holds) for claim in counted)
    notes = [
        f"{c.source} {c.system}, {c.quantity} {c.stated} ({_verdict(c)}): {c.note}."
        for c in counted
        if c.note
    ]
    table = boxed(COLUMNS, body, right={"Stated", "Ours"})
    return "\n".join([table, f"{held} of {len(counted)} counts reproduced. Notes:", *notes])


def _ours(claim: Claim) -> str:
    return "" if claim.ours is None else f"{claim.ours:,}"


def _verdict(claim: Claim) -> str:
    if claim.ours is None:
        return f"not a count ({claim.reproduced_by})"
    return claim.reproduced_by if claim.holds else "no"


# What a source counts that is no network of the catalogue: input shape and layers.
_DRAWN: dict[str, tuple[tuple[int, ...], Callable[[], list[Any]]]] = {
    "conv-exercise": ((32, 32, 3), lambda: [keras.layers.Conv2D(8, 5)]),
}
