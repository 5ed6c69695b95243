"""What a converter to MEDS makes of the tables of a data set: subjects, events, labels, counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ORIGIN = np.datetime64("1970-01-01", "us")  # time 0 of data sets without dates
INSTANT = np.timedelta64(1, "us")  # the resolution of MEDS


@dataclass(frozen=True)
class Events:
    """Events of some subjects, in any order.

    Attributes:
        subject: ids, int64, shape ``(n,)``.
        time: datetime64[us], shape ``(n,)``.
        code: indices into ``names``, shape ``(n,)``.
        names: name of each code.
        encounter: id of the encounter of each event, int64, shape ``(n,)``, -1 for none; or
            ``None`` if the data set has no encounters.
    """

    subject: np.ndarray
    time: np.ndarray
    code: np.ndarray
    names: Sequence[str]
    encounter: np.ndarray | None = None


@dataclass(frozen=True)
class EventTable:
    """A table of events that is converted block by block.

    Attributes:
        path: the file.
        columns: the columns that are read; see
            :func:`kerasnets.data.ehr.records.record_blocks`.
        numbers: those of them that hold whole numbers.
        convert: function from the rows of a block to their events, and the number of rows that
            were used or left out, by description.
    """

    path: Path
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    convert: Callable[[pd.DataFrame], tuple[Events, dict[str, int]]]


@dataclass(frozen=True)
class Labels:
    """Labels of a task, one per prediction.

    Attributes:
        subject: ids, int64, ascending, shape ``(n,)``.
        time: prediction times, datetime64[us], shape ``(n,)``. MEDS uses the events at or before.
        value: boolean, shape ``(n,)``.
    """

    subject: np.ndarray
    time: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class MedsSource:
    """A data set in other tables, ready to be written as MEDS.

    Attributes:
        name: name of the data set.
        files: the tables.
        options: options of the conversion, which can be saved as JSON.
        subjects: ids of all subjects, int64, ascending.
        patients: number of the person of each subject. Several subjects may be one person.
        task: name of the task of ``labels``.
        labels: the labels.
        events: the events of the tables that were read whole.
        tables: the other tables.
        parent: function from a code to the code that contains it, or to ``None``.
        counts: number of records that were read or left out, by description.
        encounter_column: name of the column with the encounters, if there are any.
    """

    name: str
    files: Sequence[Path]
    options: Mapping[str, Any]
    subjects: np.ndarray
    patients: np.ndarray
    task: str
    labels: Labels
    events: Events
    tables: Mapping[str, EventTable]
    parent: Callable[[str], str | None]
    counts: Mapping[str, int] = field(default_factory=dict)
    encounter_column: str | None = None


def as_table(events: Events, encounter_column: str | None) -> pa.Table:
    """Events as an Arrow table with the columns of MEDS, sorted by subject.

    The codes are encoded with a dictionary. The order of the events of a subject does not change.
    """
    import pyarrow as pa

    order = np.argsort(events.subject, kind="stable")
    names = pa.array(list(events.names), pa.string())
    code = pa.array(events.code[order].astype(np.int32))
    columns = {
        "subject_id": pa.array(events.subject[order].astype(np.int64, copy=False)),
        "time": pa.array(events.time[order].astype("datetime64[us]", copy=False)),
        "code": pa.DictionaryArray.from_arrays(code, names),
    }
    if encounter_column is not None and events.encounter is not None:
        encounter = events.encounter[order]
        columns[encounter_column] = pa.array(encounter, pa.int64(), mask=encounter < 0)
    return pa.table(columns)
