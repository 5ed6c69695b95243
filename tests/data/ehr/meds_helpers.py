"""Small MEDS data sets for tests, and the visits that plain Python makes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kerasnets.data.dataset import Dataset

EPOCH = dt.datetime(1970, 1, 1)
TYPES = {
    "subject_id": pa.int64(),
    "time": pa.timestamp("us"),
    "prediction_time": pa.timestamp("us"),
    "code": pa.string(),
    "numeric_value": pa.float32(),
    "boolean_value": pa.bool_(),
    "integer_value": pa.int64(),
    "float_value": pa.float32(),
    "categorical_value": pa.string(),
    "split": pa.string(),
    "hadm_id": pa.int64(),
    "description": pa.string(),
    "parent_codes": pa.list_(pa.string()),
}
PARENTS = {"A1": ["A"], "A2": ["A"], "A": ["ROOT"], "B1": ["B", "ROOT"], "LOOP": ["LOOP"]}
CODES = ("A", "A1", "A2", "B1", "C", "D", "LOOP")


def hours(number: float | None) -> dt.datetime | None:
    """A time, as hours since 1970-01-01."""
    return None if number is None else EPOCH + dt.timedelta(hours=number)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pa.Table:
    """Rows as a table with the types of MEDS."""
    names = columns or list(dict.fromkeys(name for row in rows for name in row))
    return pa.table(
        {name: pa.array([row.get(name) for row in rows], TYPES[name]) for name in names}
    )


def write(
    folder: Path,
    shards: Mapping[str, pa.Table],
    labels: pa.Table | Mapping[str, pa.Table],
    parents: Mapping[str, Sequence[str]] | None = None,
    splits: Mapping[int, str] | None = None,
) -> Path:
    """Write a data set; a single table of labels becomes ``labels.parquet``."""
    labels = {"labels": labels} if isinstance(labels, pa.Table) else labels
    tables = {f"data/{name}": shard for name, shard in shards.items()} | dict(labels)
    if parents is not None:
        rows = [{"code": code, "parent_codes": above} for code, above in parents.items()]
        tables["metadata/codes"] = table(rows, ("code", "description", "parent_codes"))
    if splits is not None:
        rows = [{"subject_id": subject, "split": split} for subject, split in splits.items()]
        tables["metadata/subject_splits"] = table(rows)
    for name, content in tables.items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(content, path)
    return folder


def random_events(seed: int, subjects: int = 24) -> list[dict[str, Any]]:
    """Events of some subjects in any order, with duplicates, static events and encounters."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(12 * subjects):
        subject = int(rng.integers(0, subjects))
        hour = float(rng.integers(-60, 200)) / 2
        rows.append(
            {
                "subject_id": subject,
                "time": None if rng.random() < 0.05 else hours(hour),
                "code": str(rng.choice(CODES)),
                "numeric_value": None if rng.random() < 0.3 else float(rng.integers(0, 20)) / 10,
                "hadm_id": None if rng.random() < 0.3 else 1000 * subject + int(hour // 40),
            }
        )
    return [*rows, *rows[:20]]


def random_labels(seed: int, subjects: int = 30) -> list[dict[str, Any]]:
    """Labels, several of some subjects; the last subjects have no events."""
    rng = np.random.default_rng(100 + seed)
    rows = [
        {"subject_id": subject, "prediction_time": hours(float(at)),
         "boolean_value": bool(rng.random() < 0.5)}
        for subject in range(subjects)
        for at in sorted(set(rng.integers(-30, 100, 1 + subject % 2).tolist()))
    ]  # fmt: skip
    return [rows[place] for place in rng.permutation(len(rows))]


def by_subject(rows: Sequence[Mapping[str, Any]], shards: int) -> dict[str, pa.Table]:
    """Events divided into shards by subject."""
    return {
        str(shard): table(found)
        for shard in range(shards)
        if (found := [row for row in rows if row["subject_id"] % shards == shard])
    }


def sequences_of(data: Dataset) -> dict[tuple[int, dt.datetime], list[set[str]]]:
    """For each subject and prediction time the sets of codes of the visits."""
    found = {}
    for part in data.splits.values():
        x = part.x
        visits = [
            {x.names[code] for code in x.codes[first:end]}
            for first, end in zip(x.code_offsets[:-1], x.code_offsets[1:], strict=True)
        ]
        for row, (subject, time) in enumerate(
            zip(x.keys["subject_id"].tolist(), x.keys["prediction_time"].tolist(), strict=True)
        ):
            found[subject, time] = visits[x.visit_offsets[row] : x.visit_offsets[row + 1]]
    return found


def above(code: str) -> list[str]:
    """All codes above a code in :data:`PARENTS`."""
    found: list[str] = []
    for parent in PARENTS.get(code, []):
        found += [parent, *([] if parent == code else above(parent))]
    return [name for name in found if name != code]


def names_of(code: str, ancestors: Any) -> set[str]:
    """The codes that an event counts as."""
    if ancestors is False:
        return {code}
    if ancestors == "top":
        return {name for name in above(code) if name not in PARENTS} or {code}
    return {code, *above(code)}


def in_python(
    rows: Sequence[Mapping[str, Any]],
    labels: Sequence[Mapping[str, Any]],
    *,
    visit_hours: int = 24,
    encounters: bool = False,
    ancestors: Any = True,
    exclude: Sequence[str] = (),
    without_code: Sequence[str] = (),
    exclude_prediction_time: bool = False,
) -> dict[tuple[int, dt.datetime], list[set[str]]]:
    """What :func:`sequences_of` must give, made event by event."""
    made = {}
    for label in labels:
        subject, limit = label["subject_id"], label["prediction_time"]
        known = [
            row for row in rows
            if row["subject_id"] == subject and row["code"] not in exclude
            and (row["time"] is None or row["time"] < limit
                 or (row["time"] == limit and not exclude_prediction_time))
        ]  # fmt: skip
        visits: dict[Any, set[str]] = {}
        for row in known:
            key = _visit(row, known, visit_hours, encounters)
            named = set() if row["code"] in without_code else names_of(row["code"], ancestors)
            visits.setdefault(key, set()).update(named)
        made[subject, limit] = [visits[key] for key in sorted(visits)] or [set()]
    return made


def _visit(row: Any, known: Any, visit_hours: int, encounters: bool) -> tuple[Any, ...]:
    """A key of the visit of an event that sorts by time."""
    encounter = row.get("hadm_id") if encounters else None
    if encounter is not None:
        times = [other["time"] for other in known if other["hadm_id"] == encounter]
        start = min((time for time in times if time is not None), default=None)
        return (-np.inf, 0, encounter) if start is None else (_hour(start), 0, encounter)
    if row["time"] is None:
        return (-np.inf, -1, -1)
    length = 24 if encounters else visit_hours
    return (_hour(row["time"]) // length * length, -1, -1)


def _hour(time: dt.datetime) -> float:
    return (time - EPOCH) / dt.timedelta(hours=1)
