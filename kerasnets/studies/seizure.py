"""Train every seizure net of reports S1, S2 and S5 on two splits of the recordings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerasnets._files import atomic_write
from kerasnets._tables import markdown_table
from kerasnets.data import Dataset
from kerasnets.nets import describe, list_nets
from kerasnets.studies.claims import claim_arguments, read_claims
from kerasnets.studies.results import ClaimResult, Row, answer_claim
from kerasnets.studies.trained_claims import answer_by_training
from kerasnets.studies.workspace import Workspace
from kerasnets.training import Run

_SAME = 2.0  # percentage points of accuracy that count as "about the same"
_SPLITS = ("recording", "row")
_HEADERS = (
    "net", "parameters", "test, by recording", "test, by row", "bias of the split by row",
    "best validation, by row", "stated", "seconds",
)  # fmt: skip
_PAGE = """\
# Seizure nets on the Bonn recordings

**Splitting by row makes the test accuracy optimistically biased: by {bias:+.1f} percentage points
on average over the nets** ({lowest:+.1f} to {highest:+.1f}). Each recording is cut into 23 rows.
With the split by row, rows of one recording are in both the training split and the test split.
With the split by recording, all rows of one recording are in the same split.

`kerasnets reproduce seizure --data-dir FOLDER` trains the nets and writes this page.

{table}

- All accuracies are percentages of one split with seed 0, so differences of a few points between
  two nets may be chance.
- Each net uses its recipe `as-reported`. Settings that differ are in brackets. `kerasnets nets NET`
  shows the recipes of a net.
- Each net uses the weights of the epoch with the best validation result.
- "Best validation" is the highest validation accuracy of any epoch. The course reports, which
  split the rows at random, take this value from their learning curves.
- "Stated" is the accuracy in the course reports S1 to S5; see reproduce.md in the documents.
- "Seconds" is the training time on {cpus} cores, compilation included. Other work ran on the
  machine, so it only gives the order of magnitude.
"""


@dataclass(frozen=True)
class SeizureNetRuns:
    """A net, the settings that differ from its recipe, and its run on each split."""

    net: str
    arguments: str
    runs: dict[str, Run]

    @property
    def row_split_bias(self) -> float:
        """Test accuracy by row minus test accuracy by recording, in percentage points."""
        return self.test_accuracy("row") - self.test_accuracy("recording")

    def test_accuracy(self, split: str) -> float:
        """Test accuracy on a split, in percent."""
        return float(100 * self.runs[split].metrics["test"]["accuracy"])


def reproduce_seizure(work: Workspace) -> list[ClaimResult]:
    """Train every seizure net of the reports on both splits, write the page, check the claims.

    Uses the real recordings if their files exist, otherwise simulated ones.
    """
    sets = {
        split: work.load_first("seizure", "seizure-simulated", split=split) for split in _SPLITS
    }
    rows = read_claims("seizure")
    nets = [(net, "") for net in list_nets("seizure-*") if describe(net).source != "own"]
    nets += dict.fromkeys((row["net"], row["arguments"]) for row in rows if row["arguments"])
    entries = [_train(work, net, arguments, sets) for net, arguments in nets]
    with atomic_write(work.folder / "seizure.md") as path:
        path.write_text(seizure_page(entries), encoding="utf-8")
    same_data = sets["row"].name == "seizure"
    return [_answer(work, row, sets["row"], same_data) for row in rows]


def _train(work: Workspace, net: str, arguments: str, sets: dict[str, Dataset]) -> SeizureNetRuns:
    settings = claim_arguments(arguments)
    runs = {split: work.run(net, data, **settings) for split, data in sets.items()}
    return SeizureNetRuns(net, arguments, runs)


def _answer(work: Workspace, row: Row, data: Dataset, same_data: bool) -> ClaimResult:
    if row["quantity"] != "validation accuracy over the baseline":
        return answer_by_training(work, row, data, same_data=same_data)
    best = [max(work.run(net, data).history["val_accuracy"]) for net in ("seizure-cnn", row["net"])]
    difference = 100 * (best[1] - best[0])
    return answer_claim(
        row,
        f"{difference:+.1f}",
        data,
        holds=abs(difference) <= _SAME,
        same_data=same_data,
        seeds=[0],
        quick=work.quick,
    )


def seizure_page(entries: list[SeizureNetRuns]) -> str:
    """Format the results as a Markdown page."""
    # Without rescaling, accuracy is near chance on both splits, so the bias says nothing.
    biases = [entry.row_split_bias for entry in entries if "rescaling" not in entry.arguments]
    environment = entries[0].runs["row"].environment
    page = _PAGE.format(
        cpus=environment["machine"]["cpus"],
        bias=np.mean(biases),
        lowest=min(biases),
        highest=max(biases),
        table=markdown_table(_HEADERS, map(_cells, entries), "lrrrrrlr"),
    )
    return page.replace("Bonn", "SIMULATED", 1) if environment["data"]["simulated"] else page


def _cells(entry: SeizureNetRuns) -> list[str]:
    return [
        f"`{entry.net}`" + (f" ({entry.arguments})" if entry.arguments else ""),
        f"{entry.runs['row'].model.count_params():,}",
        f"{entry.test_accuracy('recording'):.1f}",
        f"{entry.test_accuracy('row'):.1f}",
        f"{entry.row_split_bias:+.1f}",
        f"{100 * max(entry.runs['row'].history['val_accuracy']):.1f}",
        _stated(entry),
        f"{np.mean([run.seconds for run in entry.runs.values()]):.0f}",
    ]


def _stated(entry: SeizureNetRuns) -> str:
    return ", ".join(
        f"{row['stated']} ({row['source']})"
        for row in read_claims("seizure")
        if row["quantity"] == "validation accuracy"
        and (row["net"], row["arguments"]) == (entry.net, entry.arguments)
    )
