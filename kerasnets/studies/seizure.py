"""Every seizure net on both splits of the recordings, beside what S1, S2 and S5 state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerasnets._files import atomic_write
from kerasnets.data import Dataset
from kerasnets.nets import describe, list_nets
from kerasnets.studies.claims import claim_arguments, read_claims
from kerasnets.studies.results import Result, Row, result
from kerasnets.studies.trained import trained_result
from kerasnets.studies.workspace import Workspace
from kerasnets.training import Run

_SAME = 2.0  # points of accuracy that are "about the same"
_PAGE = """\
# Every seizure net on the Bonn recordings

Made by `kerasnets reproduce seizure --data-dir FOLDER`: each net of the sources with its default
recipe (`kerasnets nets --json` shows where it differs from the general one) but for the settings
named, seed 0, the weights of the best epoch in validation. Accuracy in percent. "Best validation"
is the highest validation accuracy of any epoch, which is what the sources read off their curves;
they split the rows at random. Seconds are those of training on {cpus} cores, compilation included,
while other work ran on the same machine: an order of magnitude, not a benchmark.

By recording, the 23 rows cut from one recording stay on one side. By row, neighbours of a test row
are in the training split, and the score is flattered: **by {flattery:+.1f} points of test accuracy
on average over the nets** ({lowest:+.1f} to {highest:+.1f}).

| net | parameters | test, by recording | test, by row | rows flatter by | best validation, by row \
| sources state | seconds |
|---|---:|---:|---:|---:|---:|---|---:|
"""


@dataclass(frozen=True)
class Entry:
    """A net, what is set otherwise than in its recipe, and its run on each split."""

    net: str
    arguments: str
    runs: dict[str, Run]

    @property
    def flattery(self) -> float:
        """Points of test accuracy that splitting by row adds."""
        tests = {split: run.metrics["test"]["accuracy"] for split, run in self.runs.items()}
        return 100 * (tests["row"] - tests["recording"])


def reproduce_seizure(work: Workspace) -> list[Result]:
    """Train every seizure net of the sources on both splits, write the page, and answer the claims.

    The real recordings where they are found, else simulated ones.
    """
    sets = {
        split: work.load("seizure", "seizure-simulated", split=split)
        for split in ("recording", "row")
    }
    rows = read_claims("seizure")
    nets = [net for net in list_nets("seizure-*") if describe(net).source != "own"]
    entries = [_entry(work, net, "", sets) for net in nets]
    others = {(row["net"], row["arguments"]): None for row in rows if row["arguments"]}
    entries += [_entry(work, net, arguments, sets) for net, arguments in others]
    with atomic_write(work.folder / "seizure.md") as path:
        path.write_text(page(entries), encoding="utf-8")
    same = sets["row"].name == "seizure"
    found = []
    for row in rows:
        if row["quantity"] == "validation accuracy over the baseline":
            found.append(_over_the_baseline(work, row, sets["row"], same))
        else:
            found.append(trained_result(work, row, sets["row"], same_data=same))
    return found


def _entry(work: Workspace, net: str, arguments: str, sets: dict[str, Dataset]) -> Entry:
    settings = claim_arguments(arguments)
    return Entry(net, arguments, {k: work.run(net, data, **settings) for k, data in sets.items()})


def _over_the_baseline(work: Workspace, row: Row, data: Dataset, same: bool) -> Result:
    best = [max(work.run(net, data).history["val_accuracy"]) for net in ("seizure-cnn", row["net"])]
    more = 100 * (best[1] - best[0])
    return result(
        row, f"{more:+.1f}", data, holds=abs(more) <= _SAME, same_data=same, seeds=[0],
        quick=work.quick,
    )  # fmt: skip


def page(entries: list[Entry]) -> str:
    """The results as a page of Markdown."""
    plain = [entry.flattery for entry in entries if "rescaling" not in entry.arguments]
    introduction = _PAGE.format(
        cpus=entries[0].runs["row"].environment["machine"]["cpus"],
        flattery=np.mean(plain),
        lowest=min(plain),
        highest=max(plain),
    )
    data = entries[0].runs["row"].environment["data"]
    if data["simulated"]:
        introduction = introduction.replace("Bonn", "SIMULATED", 1)
    return introduction + "".join(map(_line, entries))


def _line(entry: Entry) -> str:
    tests = {split: 100 * run.metrics["test"]["accuracy"] for split, run in entry.runs.items()}
    best = 100 * max(entry.runs["row"].history["val_accuracy"])
    seconds = np.mean([run.seconds for run in entry.runs.values()])
    title = f"`{entry.net}`" + (f" ({entry.arguments})" if entry.arguments else "")
    return (
        f"| {title} | {entry.runs['row'].model.count_params():,} | {tests['recording']:.1f} "
        f"| {tests['row']:.1f} | {entry.flattery:+.1f} | {best:.1f} | {_stated(entry)} "
        f"| {seconds:.0f} |\n"
    )


def _stated(entry: Entry) -> str:
    return ", ".join(
        f"{row['stated']} ({row['source']})"
        for row in read_claims("seizure")
        if row["quantity"] == "validation accuracy"
        and (row["net"], row["arguments"]) == (entry.net, entry.arguments)
    )
