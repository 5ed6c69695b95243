"""What S2 and S5 state of their mortality nets."""

from __future__ import annotations

from kerasnets.data import Dataset
from kerasnets.studies.claims import read_claims
from kerasnets.studies.results import Result
from kerasnets.studies.trained import trained_result
from kerasnets.studies.workspace import Workspace

_WHOLE = 10_000  # patients: the full MIMIC-III has 46,520, its open demo 100


def reproduce_mortality(work: Workspace) -> list[Result]:
    """Train the three nets on full MIMIC-III, else on the eICU demo, else on simulated patients."""
    data = _cohort(work)
    shares = f"{100 * float((data.validation.y == 0).mean()):.0f} % survived"
    return [
        trained_result(work, row, data, same_data=data.name == "mimic3", note=shares)
        for row in read_claims("mortality")
    ]


def _cohort(work: Workspace) -> Dataset:
    data = work.load("mimic3", "eicu", "mortality-simulated")
    if data.name == "mimic3" and sum(map(len, data.splits.values())) < _WHOLE:
        data = work.load("eicu", "mortality-simulated")
    return data
