"""Reads the cohort of a data set that was converted to MEDS."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kerasnets._files import read_json
from kerasnets.data.ehr.cohort import Cohort
from kerasnets.data.ehr.meds_writer import COUNTS, LABELS, SUBJECTS
from kerasnets.data.ehr.visits import NO_CODE, VisitSequences, group_events

_HOUR = np.timedelta64(1, "h").astype("timedelta64[us]").astype(np.int64)


def read_meds_cohort(
    folder: Path,
    task: str,
    *,
    events: Sequence[str],
    codes: Sequence[str] = ("*",),
    visit_hours: int | None = None,
    ancestors: bool = True,
    rename: Callable[[str], str] = str,
) -> Cohort:
    """Read the events of each label's subject at or before its prediction time.

    Args:
        folder: the data set.
        task: name of the task.
        events: patterns of the codes of the events that are used.
        codes: patterns of the codes that are inputs. Other events only record that a visit took
            place.
        visit_hours: hours per visit, counted from 1970-01-01; ``None`` if the events of a time are
            a visit.
        ancestors: whether an event also counts as the codes above its code.
        rename: function from a code to the name of the input.
    """
    import pandas as pd
    import pyarrow.dataset as pads
    import pyarrow.parquet as pq

    labels = pq.read_table(folder / LABELS / f"{task}.parquet").to_pandas()
    known = pq.read_table(folder / "metadata" / "codes.parquet").to_pydict()
    parents = dict(zip(known["code"], known["parent_codes"], strict=True))
    used = [code for code in parents if _matches(code, events)]
    rows = pads.dataset(folder / "data").to_table(
        ["subject_id", "time", "code"], filter=pads.field("code").isin(used)
    )
    subject = pd.Index(labels["subject_id"]).get_indexer(pd.Index(rows["subject_id"].to_numpy()))
    time = rows["time"].to_numpy()
    in_time = (subject >= 0) & (time <= labels["prediction_time"].to_numpy()[subject])
    subject, time = subject[in_time], time[in_time].astype(np.int64)
    code = pd.Index(used).get_indexer(pd.Index(rows["code"].to_pandas()))[in_time]
    above = [_with_ancestors(name, parents) if ancestors else [name] for name in used]
    inputs = [[name for name in names if _matches(name, codes)] for names in above]
    vocabulary = sorted({name for names in inputs for name in names})
    index = pd.Index(vocabulary)
    counts = np.array([max(len(names), 1) for names in inputs], int)
    flat = np.concatenate(
        [index.get_indexer(pd.Index(names)) if names else [NO_CODE] for names in inputs]
        or [np.zeros(0, int)]
    )
    repeat = counts[code]
    starts = np.cumsum(counts) - counts
    row = np.repeat(np.arange(len(code)), repeat)
    place = np.arange(len(row)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    key = time if visit_hours is None else time // (_HOUR * visit_hours)
    sequences = group_events(
        subject[row],
        key[row],
        flat[starts[code][row] + place],
        subjects=len(labels),
        names=vocabulary,
    )
    people = pq.read_table(folder / SUBJECTS).to_pandas().set_index("subject_id")["patient"]
    return Cohort(
        _rename(_drop_unused(sequences), rename),
        labels["boolean_value"].to_numpy(bool),
        people.loc[labels["subject_id"]].to_numpy(np.int64),
        read_json(folder / COUNTS),
    )


def _matches(code: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(code, pattern) for pattern in patterns)


def _with_ancestors(code: str, parents: dict[str, list[str] | None]) -> list[str]:
    found: dict[str, None] = {}
    open_codes = [code]
    while open_codes:
        found |= dict.fromkeys(open_codes)
        open_codes = [
            above for name in open_codes for above in parents.get(name) or () if above not in found
        ]
    return list(found)


def _drop_unused(sequences: VisitSequences) -> VisitSequences:
    used = np.unique(sequences.codes)
    index = np.zeros(len(sequences.names), np.int32)
    index[used] = np.arange(len(used))
    return sequences.encode(index, [sequences.names[code] for code in used])


def _rename(sequences: VisitSequences, rename: Callable[[str], str]) -> VisitSequences:
    names = tuple(rename(name) for name in sequences.names)
    return VisitSequences(sequences.codes, sequences.code_offsets, sequences.visit_offsets, names)
