"""The table of claims: what a report states, what we measure, and whether the claim holds."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerasnets._files import atomic_write, write_json
from kerasnets._tables import markdown_table, terminal_width, text_table, wrapped
from kerasnets.data import Dataset

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
OTHER_DATA = "other data"
QUICK = "quick"
_HEADERS = ("Source", "System", "Quantity", "Stated", "Ours", "Data", "Seeds", "Answer", "Note")
_ALIGN = "lllrrllll"
Row = Mapping[str, str]


@dataclass(frozen=True)
class ClaimResult:
    """A claim of a course report, and our answer to it.

    Attributes:
        part: the part of the reproduction that the claim belongs to.
        source: the report, ``"S1"`` to ``"S5"``.
        system: the network or study that the claim is about.
        quantity: what the report states. Accuracies are percentages.
        stated: the value as the report writes it.
        ours: our value.
        data: the data set and split we measured on. Empty if the claim needs no data.
        seeds: the seeds of the trainings. Our value is their mean.
        answer: ``"reproduced"``, ``"not reproduced"``, ``"other data"`` (the report's data are not
            available) or ``"quick"`` (only one epoch and one seed).
        note: the interpretation under which the claim holds, or why it does not hold.
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


def answer_claim(
    row: Row,
    ours: float | str,
    data: Dataset | None = None,
    *,
    holds: bool | None = None,
    same_data: bool = True,
    seeds: Sequence[int] = (),
    quick: bool = False,
    note: str = "",
) -> ClaimResult:
    """Compare a claim with our value.

    Args:
        row: the claim, a row of ``claims.csv``.
        ours: our value. A number is rounded to as many decimals as the report states.
        data: the data set we measured on.
        holds: whether the claim holds. It is required if ``ours`` is a text. By default, a number
            holds if it is greater than or equal to the stated one.
        same_data: whether ``data`` is the data set that the report used.
        seeds: the seeds of the trainings.
        quick: whether the nets were trained for one epoch only, as a test run.
        note: text to add to the note of the claim.
    """
    shown = ours if isinstance(ours, str) else ""
    if not isinstance(ours, str):
        decimals = len(row["stated"].partition(".")[2])
        shown = f"{ours:.{max(decimals, 1) if isinstance(ours, float) else 0}f}"
        if holds is None:
            holds = round(ours, decimals) >= float(row["stated"])
    answer = REPRODUCED if holds else NOT_REPRODUCED
    if quick:
        answer = QUICK
    elif not same_data:
        answer = OTHER_DATA
    names = ("part", "source", "system", "quantity", "stated")
    return ClaimResult(
        **{name: row[name] for name in names},
        ours=shown,
        data="" if data is None else f"{data.name}, by {data.split}",
        seeds=", ".join(map(str, seeds)),
        answer=answer,
        note="; ".join(filter(None, (row["note"], note))),
    )


def results_text(results: Sequence[ClaimResult], seconds: Mapping[str, float]) -> str:
    """Format the table as plain text that fits the terminal, followed by the notes."""
    table = text_table(_HEADERS, _cells(results), _ALIGN, width=terminal_width())
    notes = [
        wrapped(f"{number:>3}  {note}", indent=" " * 5)
        for note, number in _number_notes(results).items()
    ]
    summary = map(wrapped, _summary(results, seconds))
    return "\n".join([table, *summary, "Notes:", *notes])


def results_markdown(results: Sequence[ClaimResult], seconds: Mapping[str, float]) -> str:
    """Format the table in Markdown, followed by the notes."""
    table = markdown_table(_HEADERS, _cells(results), _ALIGN)
    summary = [f"{line}  " for line in _summary(results, seconds)]
    notes = [f"{number}. {note}" for note, number in _number_notes(results).items()]
    return "\n".join([table, "", *summary, "", "Notes:", "", *notes, ""])


def write_results(
    folder: Path, results: Sequence[ClaimResult], seconds: Mapping[str, float]
) -> None:
    """Write ``results.md``, ``results.csv`` and ``results.json`` into a folder."""
    heading = "# What the course reports state, and what we measure\n\n"
    with atomic_write(folder / "results.md") as path:
        path.write_text(heading + results_markdown(results, seconds), encoding="utf-8")
    rows = [dataclasses.asdict(result) for result in results]
    with (
        atomic_write(folder / "results.csv") as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(ClaimResult)])
        writer.writeheader()
        writer.writerows(rows)
    write_json(folder / "results.json", {"results": rows, "seconds": dict(seconds)})


def _cells(results: Sequence[ClaimResult]) -> list[tuple[object, ...]]:
    numbers = _number_notes(results)
    columns = [header.lower() for header in _HEADERS[:-1]]
    return [
        (*(getattr(result, column) for column in columns), numbers.get(result.note, ""))
        for result in results
    ]


def _number_notes(results: Sequence[ClaimResult]) -> dict[str, int]:
    """Map each distinct note to its number, in the order of the rows."""
    notes = dict.fromkeys(result.note for result in results if result.note)
    return {note: number for number, note in enumerate(notes, start=1)}


def _summary(results: Sequence[ClaimResult], seconds: Mapping[str, float]) -> list[str]:
    counts = Counter(result.answer for result in results)
    answers = ", ".join(f"{count} {answer}" for answer, count in counts.most_common())
    lines = [f"{len(results)} claims: {answers}"]
    if counts[QUICK]:
        lines.append("QUICK: trained for one epoch as a test run. Do not quote these numbers.")
    lines.append("Seconds: " + ", ".join(f"{part} {spent:.0f}" for part, spent in seconds.items()))
    return lines
