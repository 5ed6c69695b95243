"""Check the claims of reports S2 and S5 about their mortality nets."""

from __future__ import annotations

from kerasnets.data import Dataset
from kerasnets.studies.claims import read_claims
from kerasnets.studies.results import ClaimResult
from kerasnets.studies.trained_claims import answer_by_training
from kerasnets.studies.workspace import Workspace

# Number of patients. The full MIMIC-III has 46,520, its open demo 100.
_MIN_FULL_MIMIC3 = 10_000


def reproduce_mortality(work: Workspace) -> list[ClaimResult]:
    """Train the three nets, and check the claims.

    Uses the first of these that exists: full MIMIC-III, the eICU demo, simulated patients.
    """
    data = _load_cohort(work)
    survived = f"{100 * float((data.validation.y == 0).mean()):.0f} % survived"
    return [
        answer_by_training(work, row, data, same_data=data.name == "mimic3", note=survived)
        for row in read_claims("mortality")
    ]


def _load_cohort(work: Workspace) -> Dataset:
    data = work.load_first("mimic3", "eicu", "mortality-simulated")
    if data.name == "mimic3" and sum(map(len, data.splits.values())) < _MIN_FULL_MIMIC3:
        data = work.load_first("eicu", "mortality-simulated")
    return data
