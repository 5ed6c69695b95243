"""Converts MIMIC-III to MEDS: a patient is a subject, an admission an encounter (``hadm_id``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.ehr.meds_source import INSTANT, Events, EventTable, Labels, MedsSource
from kerasnets.data.ehr.records import (
    dates,
    flags,
    map_records,
    refuse_cells,
    refuse_duplicates,
    whole_numbers,
)

if TYPE_CHECKING:
    import pandas as pd

ENCOUNTER = "hadm_id"
ADMISSION, DISCHARGE = "HOSPITAL_ADMISSION", "HOSPITAL_DISCHARGE"
DEATH = "MEDS_DEATH"  # the name in MEDS
CODES = "ICD9CM//"  # prefix of diagnoses and their groups
_DAY = np.timedelta64(1, "D")
_MAX_DAYS = 10**7  # longer than all dates that can be written
# ICD-9: a number, or V or E and a number; the dot after the first part may be left out.
_ICD9 = r"\s*([0-9]{3}\.?[0-9]{0,2}|[Vv][0-9]{2}\.?[0-9]{0,2}|[Ee][0-9]{3}\.?[0-9]?)\s*"


@dataclass(frozen=True)
class _Admissions:
    """The valid admissions, in the order of the file, each array of shape ``(n,)``.

    Attributes:
        ids: int64.
        patient: position of the patient in the sorted patients.
        start: time of admission, datetime64[us].
        end: time of discharge or of death in hospital, datetime64[us].
        alive: whether the patient left alive.
    """

    ids: np.ndarray
    patient: np.ndarray
    start: np.ndarray
    end: np.ndarray
    alive: np.ndarray

    def subset(self, rows: np.ndarray) -> _Admissions:
        """Some of the admissions."""
        arrays = (self.ids, self.patient, self.start, self.end, self.alive)
        return _Admissions(*(array[rows] for array in arrays))


def mimic3_source(files: Mapping[str, Path], horizon_days: int = 365) -> MedsSource:
    """Read patients and admissions of MIMIC-III, and prepare the conversion of their diagnoses.

    The codes are ``HOSPITAL_ADMISSION``, ``HOSPITAL_DISCHARGE`` and ``MEDS_DEATH``, and for
    diagnoses ``ICD9CM//42731``, whose parent is ``ICD9CM//427``. A diagnosis has the time of the
    discharge, because it is assigned then. An admission that ended in death before the patient left
    alive contradicts the other records, and is left out.

    Args:
        files: the tables ADMISSIONS, DIAGNOSES_ICD and PATIENTS.
        horizon_days: days after the midnight that follows the last discharge alive, within which
            death is predicted. The prediction time is the last microsecond before this midnight,
            because dates of death have no time of day.

    Raises:
        DataError: if a column is missing, an id occurs twice, or a cell is invalid. Cells of
            diagnoses are checked when they are converted.
    """
    subjects, death = _read_patients(files["PATIENTS"])
    admissions, counts = _read_admissions(files["ADMISSIONS"], subjects)
    midnight = _midnights(admissions, len(subjects))
    left_alive = ~np.isnat(midnight)
    dead = death < midnight  # False for NaT: no death on record
    chosen = left_alive & ~dead
    patient = admissions.patient
    contradicts = ~admissions.alive & chosen[patient] & (admissions.end < midnight[patient])
    counts = {
        "patients": len(subjects),
        **counts,
        "admissions that ended in death before the patient left alive": int(contradicts.sum()),
        "patients who never left alive, left out": int((~left_alive).sum()),
        "patients dead by the prediction, left out": int(dead.sum()),
    }
    written = admissions.subset(~contradicts)
    died = ~np.isnat(death)
    horizon = min(horizon_days, _MAX_DAYS) * _DAY
    codes = (ADMISSION, DISCHARGE, DEATH)
    sizes = (len(written.ids), len(written.ids), int(died.sum()))
    return MedsSource(
        name="mimic3",
        files=tuple(files.values()),
        options={"horizon_days": horizon_days},
        subjects=subjects,
        patients=np.arange(len(subjects)),
        task=f"death_within_{horizon_days}_days",
        labels=Labels(
            subjects[chosen], midnight[chosen] - INSTANT, (death - midnight < horizon)[chosen]
        ),
        events=Events(
            np.concatenate([np.tile(subjects[written.patient], 2), subjects[died]]),
            np.concatenate([written.start, written.end, death[died]]),
            np.repeat(np.arange(len(codes)), sizes),
            codes,
            np.concatenate([np.tile(written.ids, 2), np.full(sizes[-1], -1)]),
        ),
        tables={
            "diagnoses": EventTable(
                files["DIAGNOSES_ICD"],
                ("hadm_id", "icd9_code"),
                ("hadm_id",),
                partial(
                    _convert_diagnoses,
                    path=files["DIAGNOSES_ICD"],
                    subjects=subjects,
                    admissions=admissions,
                    written=~contradicts,
                    used=admissions.alive & chosen[patient],
                ),
            )
        },
        parent=parent,
        counts=counts,
        encounter_column=ENCOUNTER,
    )


def parent(code: str) -> str | None:
    """The group of an ICD-9 code: its first three characters, or four of an E code."""
    if not code.startswith(CODES):
        return None
    end = len(CODES) + (4 if code.startswith("E", len(CODES)) else 3)
    return code[:end] if len(code) > end else None


def _midnights(admissions: _Admissions, patients: int) -> np.ndarray:
    """For each patient the midnight after the last discharge alive; NaT if there is none."""
    days = np.full(patients, np.iinfo(np.int64).min)
    end = admissions.end.astype("datetime64[D]").astype(np.int64) + 1
    np.maximum.at(days, admissions.patient[admissions.alive], end[admissions.alive])
    return days.astype("datetime64[D]").astype("datetime64[us]")


def _convert_diagnoses(
    frame: pd.DataFrame,
    *,
    path: Path,
    subjects: np.ndarray,
    admissions: _Admissions,
    written: np.ndarray,
    used: np.ndarray,
) -> tuple[Events, dict[str, int]]:
    """Convert rows of diagnoses.

    Args:
        frame: the rows.
        path: their file, for error messages.
        subjects: ids of the patients.
        admissions: the valid admissions.
        written: whether the events of each admission are written.
        used: whether the codes of each admission are used for the prediction.
    """
    import pandas as pd

    hadm = pd.Index(whole_numbers(frame, "hadm_id", path))
    place = pd.Index(admissions.ids).get_indexer(hadm)
    known, coded = place >= 0, frame["icd9_code"].notna().to_numpy()
    visit = known & coded & np.append(used, False)[place]
    counts = {
        "diagnoses": len(frame),
        "diagnoses without a code, left out": int((~coded).sum()),
        "diagnoses of unknown or left-out admissions, left out": int((coded & ~known).sum()),
        "diagnoses of admissions that are no visits, left out": int((coded & known & ~visit).sum()),
        "diagnoses used": int(visit.sum()),
    }
    # Check each distinct code once, not each diagnosis.
    number, texts = pd.factorize(frame["icd9_code"])
    cells = pd.Series(texts, dtype=str)
    wrong = ~np.append(cells.str.fullmatch(_ICD9).to_numpy(bool), True)[number]  # -1: empty cell
    refuse_cells(wrong, frame, "icd9_code", path, "an ICD-9 code such as 4019, V1582 or E8497")
    plain = cells.str.strip().str.upper().str.replace(".", "", regex=False)
    chosen = known & coded & np.append(written, False)[place]
    code, names = pd.factorize(plain.to_numpy(object)[number[chosen]])
    row = place[chosen]
    events = Events(
        subjects[admissions.patient[row]],
        admissions.end[row],
        code,
        [f"{CODES}{name}" for name in names],
        admissions.ids[row],
    )
    return events, counts


def _read_patients(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Ascending subject ids and the date of death of each, NaT if none is on record."""
    import pandas as pd

    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        subject = whole_numbers(frame, "subject_id", path)
        death = dates(frame, "dod", path, required=False).to_numpy()
        return pd.DataFrame({"subject": subject, "death": death}, frame.index)

    patients = map_records(path, ("subject_id", "dod"), ("subject_id",), convert)
    refuse_duplicates(patients["subject"].to_numpy(), patients, "subject_id", path)
    patients = patients.sort_values("subject")
    return patients["subject"].to_numpy(), patients["death"].to_numpy().astype("datetime64[us]")


def _read_admissions(path: Path, subjects: np.ndarray) -> tuple[_Admissions, dict[str, int]]:
    """The valid admissions, and counts."""
    import pandas as pd

    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        subject = pd.Index(whole_numbers(frame, "subject_id", path))
        arrays = {
            "hadm": whole_numbers(frame, "hadm_id", path),
            "patient": pd.Index(subjects).get_indexer(subject),
            "end": dates(frame, "dischtime", path).to_numpy(),
            "alive": ~flags(frame, "hospital_expire_flag", path),
            "start": dates(frame, "admittime", path).to_numpy(),
        }
        return pd.DataFrame(arrays, frame.index)

    numbers = ("subject_id", "hadm_id", "hospital_expire_flag")
    table = map_records(path, (*numbers, "admittime", "dischtime"), numbers, convert)
    hadm, patient, alive = (table[name].to_numpy() for name in ("hadm", "patient", "alive"))
    refuse_duplicates(hadm, table, "hadm_id", path)
    start, end = (table[name].to_numpy().astype("datetime64[us]") for name in ("start", "end"))
    unknown = patient < 0
    backwards = (end < start) & ~unknown
    kept = ~unknown & ~backwards
    counts = {
        "admissions": len(table),
        "admissions of unknown patients, left out": int(unknown.sum()),
        "admissions with discharge before admission, left out": int(backwards.sum()),
        "admissions that ended in death, left out": int((kept & ~alive).sum()),
    }
    return _Admissions(hadm, patient, start, end, alive).subset(kept), counts
