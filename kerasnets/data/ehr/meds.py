"""Loads a task of a MEDS data set: sequences of visits, made from events shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kerasnets._errors import unknown_name
from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.event_rules import EventRules, patterns
from kerasnets.data.ehr.event_task import EventTask
from kerasnets.data.ehr.events_dataset import load_events
from kerasnets.data.ehr.frames import ENGINES
from kerasnets.data.ehr.meds_files import MedsFiles, find_meds, read_schema
from kerasnets.data.ehr.meds_splits import SPLITS
from kerasnets.data.tables.cells import DataError

# Columns with the encounter of an event, as converters to MEDS name them.
_ENCOUNTERS = (
    "encounter_id",
    "visit_id",
    "visit_occurrence_id",
    "hadm_id",
    "patienthealthsystemstayid",
)


@register("meds", splits=SPLITS)
def load_meds(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    labels: str | Path | None = None,
    label_column: str | None = None,
    class_names: Sequence[str] = (),
    visits: str = "day",
    visit_hours: int | None = None,
    encounter: str | None = None,
    ancestors: bool | str = True,
    exclude: str | Sequence[str] = (),
    without_code: str | Sequence[str] = (),
    exclude_prediction_time: bool = False,
    numeric_bins: int = 0,
    min_count: int = 5,
    folds: int = 0,
    fold: int = 0,
    vocabulary: Sequence[str] = (),
    engine: str = "polars",
    cache_dir: str | Path | None = None,
) -> Dataset:
    """Any task with classes on a MEDS data set: sequences of visits with their codes.

    Each label is an example: its sequence has the events of the subject at or before the
    prediction time, and it is a group with the other examples of the subject. A subject without
    events has one empty visit. An event that occurs several times in a visit counts once, the order
    of the rows in a file does not matter, and events without a time are a visit before all others.

    The events are read one file after the other. Sequences of a data set above 64 MB are stored
    below the user's cache folder, opened memory-mapped, and used again by the next load; an
    interrupted load resumes at its file.

    Args:
        data_dir: the folder of the data set, which has the folders ``data`` and ``metadata``.
        split: ``"given"`` for the splits of ``metadata/subject_splits.parquet``, ``"patient"`` for
            our own by subject, ``"auto"`` for the former if the file exists, else the latter.
        seed: seed of our own split.
        labels: a ``.parquet`` file with labels, or a folder of them; a relative path starts at the
            data set.
        label_column: ``"boolean_value"``, ``"integer_value"`` or ``"categorical_value"``; by
            default the one that has values.
        class_names: name of each class, in the order of the sorted labels; by default ``no`` and
            ``yes``, or the labels.
        visits: ``"day"`` for a visit per day with events, ``"encounter"`` for one per encounter.
            Events without an encounter belong to the visit of their day.
        visit_hours: hours per visit, instead of a day, counted from 1970-01-01 00:00.
        encounter: column with the encounter of an event; by default, for ``visits="encounter"``,
            the column that converters usually write.
        ancestors: whether a code also counts as the codes above it (``parent_codes`` of
            ``metadata/codes.parquet``); ``"top"`` for the highest of them instead of the code.
        exclude: patterns of codes whose events are not used, such as ``"LAB//*"``.
        without_code: patterns of codes whose events only show that there was a visit.
        exclude_prediction_time: whether events at the prediction time itself are not used.
        numeric_bins: number of bins, by quantiles of the training split, that numeric values are
            divided into; 0 to ignore the values. A bin is a code such as ``GLUCOSE//[90,110)``,
            and its code counts as above it.
        min_count: number of visits of the training split in which a code must occur to be in the
            vocabulary.
        folds: number of folds of a cross-validation by our own split, or 0.
        fold: number of the test fold.
        vocabulary: names of the codes, such as ``run.vocabulary`` to predict with a run, instead
            of those that occur often enough. The training split may then be empty.
        engine: the library that runs the expressions on the events: ``"polars"``, ``"pandas"``,
            ``"duckdb"`` or ``"pyspark"``. All give the same sequences.
        cache_dir: folder for the sequences, also of a small data set.

    Raises:
        ValueError: if an option is out of range, or a file is not as MEDS requires.
        FileNotFoundError: if a file is missing.
    """
    if labels is None:
        raise ValueError(
            "meds needs the labels of a task: labels= (--data-option labels=…), a .parquet file or "
            "a folder of them, absolute or relative to the data set."
        )
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    files = find_meds(data_dir, labels)
    rules = EventRules(
        visits=_kind_of_visits(visits, visit_hours),
        visit_hours=24 if visit_hours is None else visit_hours,
        encounter=_encounter(files, visits, encounter),
        ancestors=_ancestors(ancestors),
        exclude=patterns("exclude", exclude),
        without_code=patterns("without_code", without_code),
        exclude_prediction_time=exclude_prediction_time,
        numeric_bins=numeric_bins,
    )
    task = EventTask(
        "meds", files, rules, label_column=label_column, class_names=tuple(class_names),
        split=split, seed=seed, min_count=min_count, folds=folds, fold=fold,
        vocabulary=tuple(vocabulary),
    )  # fmt: skip
    return load_events(task, engine=engine, cache_dir=cache_dir)


def _kind_of_visits(visits: str, visit_hours: int | None) -> str:
    if visits not in ("day", "encounter"):
        raise unknown_name("kind of visits", visits, ("day", "encounter"))
    if visits == "encounter" and visit_hours is not None:
        raise ValueError("visit_hours is for visits='day', not for visits='encounter'.")
    return "encounter" if visits == "encounter" else "hours"


def _ancestors(value: bool | str) -> str:
    if isinstance(value, bool):
        return "all" if value else "none"
    if value != "top":
        raise ValueError(f"ancestors must be true, false or 'top', got {value!r}.")
    return value


def _encounter(files: MedsFiles, visits: str, encounter: str | None) -> str | None:
    """The column with the encounters.

    Raises:
        DataError: if a shard has no such column.
    """
    if visits != "encounter":
        if encounter is not None:
            raise ValueError("encounter= is only for visits='encounter'.")
        return None
    columns = read_schema(files.shards[0]).names
    known = [name for name in (*_ENCOUNTERS, *files.id_columns) if name in columns]
    chosen = encounter or next(iter(known), None)
    for path in files.shards:
        names = read_schema(path).names
        if chosen not in names:
            what = f"no column {chosen}" if chosen else "no known column with encounters"
            raise DataError(
                f"{path}: {what}. Give its name as encounter= (--data-option encounter=…), or use "
                f"visits='day'. The file has {', '.join(names)}."
            )
    return chosen
