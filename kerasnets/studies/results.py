"""The rows of the table of claims: what a source states, what we get, and the answer."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerasnets._files import atomic_write, write_json
from kerasnets._tables import text_table
from kerasnets.data import Dataset

REPRODUCED, NOT_REPRODUCED, OTHER_DATA, QUICK = (
    "reproduced",
    "not reproduced",
    "other data",
    "quick",
)
_HEADER = ("Source", "System", "Quantity", "Stated", "Ours", "Data", "Seeds", "Answer", "Note")
_RIGHT = frozenset({"Stated", "Ours"})
Row = Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """A claim and what became of it.

    Attributes:
        part: the part of the reproduction it belongs to.
        source: ``"S1"`` to ``"S5"``.
        system: the network or study it is about.
        quantity: what is stated; accuracies in percent.
        stated: as the source writes it.
        ours: what we get.
        data: the data set and split it was measured on; empty where no data are needed.
        seeds: of the trainings it is the mean of.
        answer: ``"reproduced"``; ``"not reproduced"``; ``"other data"``, where the data of the
            source are not at hand; ``"quick"``, where training was cut short.
        note: the reading under which it holds, or why it does not.
    """

    part: str
    source: str
    system: str
    quantity: str
    stated: str
    ours: str
    data: str
    seeds: str
    answer: str
    note: str


def result(
    row: Row,
    ours: float | str,
    data: Dataset | None = None,
    *,
    holds: bool | None = None,
    same_data: bool = True,
    seeds: Sequence[int] = (),
    quick: bool = False,
    note: str = "",
) -> Result:
    """The answer to a claim.

    Args:
        row: the claim, of ``claims.csv``.
        ours: what we get; a number is compared with the stated one, as precise as that is.
        data: what it was measured on.
        holds: whether the claim holds, where ``ours`` is a text; by default a number holds if it
            is no less than the stated one.
        same_data: whether these are the data of the source.
        seeds: of the trainings.
        quick: whether training was cut short.
        note: why, beside the note of the claim.
    """
    shown = ours if isinstance(ours, str) else ""
    if not isinstance(ours, str):
        digits = len(row["stated"].partition(".")[2])
        shown = f"{ours:.{max(digits, 1) if isinstance(ours, float) else 0}f}"
        if holds is None:
            holds = round(ours, digits) >= float(row["stated"])
    answer = REPRODUCED if holds else NOT_REPRODUCED
    if quick:
        answer = QUICK
    elif not same_data:
        answer = OTHER_DATA
    names = ("part", "source", "system", "quantity", "stated")
    return Result(
        **{name: row[name] for name in names},
        ours=shown,
        data="" if data is None else f"{data.name}, by {data.split}",
        seeds=", ".join(map(str, seeds)),
        answer=answer,
        note="; ".join(filter(None, (row["note"], note))),
    )


def results_text(results: Sequence[Result], seconds: Mapping[str, float]) -> str:
    """The table for a terminal, and the notes below it."""
    align = "".join("r" if name in _RIGHT else "l" for name in _HEADER)
    table = text_table(_HEADER, _cells(results), align)
    notes = [f"{number:>3}  {note}" for note, number in _numbered(results).items()]
    return "\n".join([table, *_summary(results, seconds), "Notes:", *notes])


def results_markdown(results: Sequence[Result], seconds: Mapping[str, float]) -> str:
    """The table in Markdown, and the notes below it."""
    rule = ["---:" if name in _RIGHT else "---" for name in _HEADER]
    body = [[cell.replace("|", "\\|") for cell in row] for row in _cells(results)]
    table = [f"| {' | '.join(cells)} |" for cells in (_HEADER, rule, *body)]
    summary = [f"{line}  " for line in _summary(results, seconds)]
    notes = [f"{number}. {note}" for note, number in _numbered(results).items()]
    return "\n".join([*table, "", *summary, "", "Notes:", "", *notes, ""])


def write_results(folder: Path, results: Sequence[Result], seconds: Mapping[str, float]) -> None:
    """Write ``results.md``, ``results.csv`` and ``results.json`` into a folder."""
    heading = "# What the sources state, and what we get\n\n"
    with atomic_write(folder / "results.md") as path:
        path.write_text(heading + results_markdown(results, seconds), encoding="utf-8")
    rows = [dataclasses.asdict(row) for row in results]
    with (
        atomic_write(folder / "results.csv") as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Result)])
        writer.writeheader()
        writer.writerows(rows)
    write_json(folder / "results.json", {"results": rows, "seconds": dict(seconds)})


def _cells(results: Sequence[Result]) -> list[tuple[str, ...]]:
    numbers = _numbered(results)
    return [
        (row.source, row.system, row.quantity, row.stated, row.ours, row.data, row.seeds,
         row.answer, str(numbers.get(row.note, "")))
        for row in results
    ]  # fmt: skip


def _numbered(results: Sequence[Result]) -> dict[str, int]:
    """The number of each different note, in the order of the rows."""
    notes = dict.fromkeys(row.note for row in results if row.note)
    return {note: number for number, note in enumerate(notes, start=1)}


def _summary(results: Sequence[Result], seconds: Mapping[str, float]) -> list[str]:
    counts = Counter(row.answer for row in results)
    lines = [f"{len(results)} claims: {', '.join(f'{n} {a}' for a, n in counts.most_common())}"]
    if counts[QUICK]:
        lines.append("QUICK: trained for one epoch, to try things out. Not figures to quote.")
    lines.append("Seconds: " + ", ".join(f"{part} {spent:.0f}" for part, spent in seconds.items()))
    return lines
