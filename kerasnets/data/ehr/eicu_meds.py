"""Converts eICU to MEDS: a stay is a subject, whose time begins with the admission to the unit.

eICU has no dates, and the order of the stays of a patient in different hospitals is unknown. So
each stay has a time of its own: ``time`` is 1970-01-01 00:00 plus the offset in minutes. The person
of each stay is in ``metadata/subjects.parquet``, and splits are made by person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.ehr.meds_source import INSTANT, ORIGIN, Events, EventTable, Labels, MedsSource
from kerasnets.data.ehr.records import (
    map_records,
    refuse_cells,
    refuse_duplicates,
    whole_numbers,
)

if TYPE_CHECKING:
    import pandas as pd

TASK = "death_in_hospital"
ADMISSION, DISCHARGE = "ICU_ADMISSION", "ICU_DISCHARGE"
TABLES = ("diagnosis", "treatment")  # the prefix of their codes is the name of the table
_OUTCOMES = ("alive", "expired")
_MAX_MINUTES = 10**9  # 1,900 years
_MINUTE = np.timedelta64(1, "m").astype("timedelta64[us]")


@dataclass(frozen=True)
class _Stays:
    """The stays, sorted by id, each array of shape ``(n,)``.

    Attributes:
        ids: int64.
        patients: number of the patient, int64.
        died: boolean, False if unknown.
        kept: whether the outcome is known and the discharge is not before the admission.
        discharge: minutes from admission to discharge.
    """

    ids: np.ndarray
    patients: np.ndarray
    died: np.ndarray
    kept: np.ndarray
    discharge: np.ndarray


def eicu_source(files: Mapping[str, Path], window_hours: int = 24) -> MedsSource:
    """Read the stays of eICU, and prepare the conversion of their diagnoses and treatments.

    The codes are ``ICU_ADMISSION`` and ``ICU_DISCHARGE``, and ``diagnosis|PATH`` and
    ``treatment|PATH``, such as ``diagnosis|renal|disorder of kidney``, whose parent is
    ``diagnosis|renal``.

    Args:
        files: the tables patient, diagnosis and treatment.
        window_hours: hours after admission at which death in hospital is predicted. The prediction
            time is the last microsecond before, so that no event at that time is used.

    Raises:
        DataError: if a column is missing, a stay occurs twice, or a cell is invalid. Cells of the
            other tables are checked when they are converted.
    """
    stays, counts = _read_stays(files["patient"])
    # A window beyond all possible offsets has no end.
    window = min(60 * window_hours, _MAX_MINUTES + 1)
    ids = stays.ids[stays.kept]
    prediction = np.full(len(ids), ORIGIN + window * _MINUTE - INSTANT)
    return MedsSource(
        name="eicu",
        files=tuple(files.values()),
        options={"window_hours": window_hours},
        subjects=stays.ids,
        patients=stays.patients,
        task=TASK,
        labels=Labels(ids, prediction, stays.died[stays.kept]),
        events=Events(
            np.concatenate([stays.ids, stays.ids]),
            _times(np.concatenate([np.zeros_like(stays.discharge), stays.discharge])),
            np.repeat([0, 1], len(stays.ids)),
            (ADMISSION, DISCHARGE),
        ),
        tables={table: _event_table(table, files[table], stays, window) for table in TABLES},
        parent=parent,
        counts=counts,
    )


def parent(code: str) -> str | None:
    """The group of a diagnosis or treatment: its path without the last part.

    The first part of a path is the table, which is not a group.
    """
    above = code.rpartition("|")[0]
    return above if "|" in above else None


def _event_table(table: str, path: Path, stays: _Stays, window: int) -> EventTable:
    numbers = ("patientunitstayid", f"{table}offset")
    convert = partial(_convert, table=table, path=path, stays=stays, window=window)
    return EventTable(path, (*numbers, f"{table}string"), numbers, convert)


def _convert(
    frame: pd.DataFrame, *, table: str, path: Path, stays: _Stays, window: int
) -> tuple[Events, dict[str, int]]:
    """Convert rows of diagnoses or treatments."""
    import pandas as pd

    stay = whole_numbers(frame, "patientunitstayid", path)
    minute = _minutes(frame, f"{table}offset", path)
    place = pd.Index(stays.ids).get_indexer(pd.Index(stay))
    known, named = place >= 0, frame[f"{table}string"].notna().to_numpy()
    kept = known & named & np.append(stays.kept, False)[place]
    in_time = minute < window
    written = known & named
    counts = {
        f"{table} rows": len(frame),
        f"{table} rows of unknown stays, left out": int((~known).sum()),
        f"{table} rows without a name, left out": int((known & ~named).sum()),
        f"{table} rows of left-out stays": int((written & ~kept).sum()),
        f"{table} rows after the window, left out": int((kept & ~in_time).sum()),
        f"{table} rows used": int((kept & in_time).sum()),
    }
    code, names = pd.factorize(frame[f"{table}string"][written])
    prefixed = [f"{table}|{name}" for name in names]
    return Events(stay[written], _times(minute[written]), code, prefixed), counts


def _times(minutes: np.ndarray) -> np.ndarray:
    return ORIGIN + minutes * _MINUTE


def _minutes(frame: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    minutes = whole_numbers(frame, column, path)
    wrong = (minutes < -_MAX_MINUTES) | (minutes > _MAX_MINUTES)
    allowed = f"minutes from {-_MAX_MINUTES:,} to {_MAX_MINUTES:,}"
    refuse_cells(wrong, frame, column, path, allowed)
    return minutes


def _read_stays(path: Path) -> tuple[_Stays, dict[str, int]]:
    import pandas as pd

    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        nobody = (frame["uniquepid"].str.strip().fillna("") == "").to_numpy(bool)
        refuse_cells(nobody, frame, "uniquepid", path, "the patient of the stay")
        status = frame["hospitaldischargestatus"].str.strip().str.lower()
        wrong = (~status.isna() & ~status.isin(_OUTCOMES)).to_numpy(bool)
        refuse_cells(
            wrong, frame, "hospitaldischargestatus", path, "Alive, Expired, or an empty cell"
        )
        arrays = {
            "stay": whole_numbers(frame, "patientunitstayid", path),
            "patient": frame["uniquepid"],
            "unknown": status.isna(),
            "died": (status == "expired").fillna(False).astype(bool),
            "discharge": _minutes(frame, "unitdischargeoffset", path),
        }
        return pd.DataFrame(arrays, frame.index)

    numbers = ("patientunitstayid", "unitdischargeoffset")
    columns = (*numbers, "uniquepid", "hospitaldischargestatus")
    table = map_records(path, columns, numbers, convert)
    refuse_duplicates(table["stay"].to_numpy(), table, "patientunitstayid", path)
    backwards = table["discharge"] < 0
    counts = {
        "stays": len(table),
        "stays without an outcome, left out": int(table["unknown"].sum()),
        "stays with discharge before admission, left out": int(
            (backwards & ~table["unknown"]).sum()
        ),
    }
    table["kept"] = ~table["unknown"] & ~backwards
    table["patient"] = pd.factorize(table["patient"], sort=True)[0].astype(np.int64)
    ordered = table.sort_values("stay")
    names = ("stay", "patient", "died", "kept", "discharge")
    return _Stays(*(ordered[name].to_numpy() for name in names)), counts
