"""MEDS data sets that are not as MEDS requires are refused, and the message names the file."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from kerasnets.data import load_data
from tests.data.ehr.meds_helpers import hours, table, write

LABELS = [
    {"subject_id": n, "prediction_time": hours(9), "boolean_value": n % 2 == 0} for n in range(20)
]
EVENTS = [{"subject_id": n, "time": hours(n), "code": "A"} for n in range(20)]


def load(folder, **options):
    return load_data("meds", folder, **{"labels": "labels.parquet", "min_count": 1} | options)


def changed(rows, row, **cells):
    return [*rows[:row], rows[row] | cells, *rows[row + 1 :]]


def cast(rows, column, kind):
    made = table(rows)
    place = made.schema.get_field_index(column)
    return made.set_column(place, column, made[column].cast(kind))


@pytest.mark.parametrize(
    ("shard", "message"),
    [
        (
            table(EVENTS).drop_columns("code"),
            r"0\.parquet: not the columns of MEDS's DataSchema. Missing required columns: code",
        ),
        (
            cast(EVENTS, "time", pa.timestamp("us", "Europe/Berlin")),
            r"0\.parquet: the column time has the time zone Europe/Berlin. Times of MEDS have none",
        ),
        (
            cast(EVENTS, "time", pa.timestamp("ns")),
            r"0\.parquet: not the columns .* time \(want timestamp\[us\], got timestamp\[ns\]",
        ),
        (
            cast(EVENTS, "subject_id", pa.string()),
            r"0\.parquet: not the columns .* subject_id \(want int64, got string\)",
        ),
        (
            table(changed(EVENTS, 3, code=None)),
            r"0\.parquet: there are events without a value in code",
        ),
        (
            table(changed(EVENTS, 3, code="")),
            r"0\.parquet: there are events with an empty code",
        ),
        (
            table(changed(EVENTS, 3, subject_id=None)),
            r"0\.parquet: there are events without a value in subject_id",
        ),
    ],
)
def test_invalid_shards_are_refused(tmp_path, shard, message):
    with pytest.raises(ValueError, match=message):
        load(write(tmp_path, {"0": shard}, table(LABELS)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            table(LABELS).drop_columns("prediction_time"),
            r"labels\.parquet: not the columns of MEDS's LabelSchema. .*prediction_time",
        ),
        (
            table(LABELS).append_column("extra", pa.array(range(20))),
            r"labels\.parquet: not the columns of MEDS's LabelSchema. .*extra",
        ),
        (
            cast(LABELS, "prediction_time", pa.timestamp("us", "UTC")),
            r"labels\.parquet: the column prediction_time has the time zone UTC",
        ),
        (
            table(LABELS).drop_columns("boolean_value"),
            r"labels\.parquet: no labels; MEDS has them in one of the columns boolean_value",
        ),
        (
            table(changed(LABELS, 7, boolean_value=None)),
            r"labels\.parquet: boolean_value is missing in 1 rows, first for subject 7",
        ),
        (
            table(changed(LABELS, 7, prediction_time=None)),
            r"labels\.parquet: prediction_time is missing in 1 rows",
        ),
        (
            table([*LABELS, LABELS[4] | {"boolean_value": False}]),
            r"Subject 4 has the labels False and True for the prediction time 1970-01-01T09:00",
        ),
        (
            table([row | {"boolean_value": True} for row in LABELS]),
            r"labels\.parquet: the labels of the training split are yes; a classifier needs two",
        ),
        (
            table([row | {"integer_value": n} for n, row in enumerate(LABELS)]),
            r"labels in boolean_value, integer_value. Give the one to use as label_column=",
        ),
        (
            table([{name: row[name] for name in ("subject_id", "prediction_time")}
                   | {"float_value": 0.5} for row in LABELS]),
            r"the labels in float_value are numbers.* Divide the numbers into classes",
        ),
        (
            table([{name: row[name] for name in ("subject_id", "prediction_time")}
                   | {"integer_value": 3} for row in LABELS]),
            r"all labels in integer_value are \[3\]; a classifier needs two classes",
        ),
        (table(LABELS).slice(0, 0), r"labels\.parquet: no labels"),
    ],
)  # fmt: skip
def test_invalid_labels_are_refused(tmp_path, labels, message):
    with pytest.raises(ValueError, match=message):
        load(write(tmp_path, {"0": table(EVENTS)}, labels))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": None}, "meds needs the labels of a task"),
        ({"visits": "week"}, "Unknown kind of visits 'week'.* Allowed: day, encounter"),
        ({"visit_hours": 0}, "visit_hours must be a whole number of 1 or more"),
        ({"visits": "encounter"}, r"0\.parquet: no known column with encounters"),
        ({"visits": "encounter", "encounter": "ward"}, r"0\.parquet: no column ward"),
        ({"visits": "encounter", "visit_hours": 2}, "visit_hours is for visits='day'"),
        ({"encounter": "code"}, "encounter= is only for visits='encounter'"),
        ({"ancestors": "bottom"}, "ancestors must be true, false or 'top'"),
        ({"exclude": [3]}, r"exclude must be patterns of codes such as 'LAB//\*', got \[3\]"),
        ({"exclude": "*"}, "no code is in min_count=1 visits of the training split"),
        ({"exclude_prediction_time": "no"}, "exclude_prediction_time must be true or false"),
        ({"numeric_bins": 1}, "numeric_bins must be 0, or 2 or more"),
        ({"min_count": 0}, "min_count must be a whole number of 1 or more"),
        ({"min_count": 13}, "the most frequent is in"),
        ({"engine": "dask"}, "Unknown engine 'dask'.* Allowed: duckdb, pandas, polars, pyspark"),
        ({"label_column": "value"}, "Unknown column of labels 'value'"),
        ({"label_column": "integer_value"}, "integer_value has no values, but boolean_value"),
        ({"split": "hospital"}, "Unknown split of meds 'hospital'"),
        ({"split": "given"}, r"split='given' needs .*subject_splits\.parquet"),
        ({"folds": 1}, "folds must be 0 for one split"),
    ],
)
def test_invalid_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        load(write(tmp_path, {"0": table(EVENTS)}, table(LABELS)), **options)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"(?s)'meds' was not found.*meds.*Get one with a converter"
    ):
        load(tmp_path)
    folder = write(tmp_path, {"0": table(EVENTS)}, table(LABELS))
    with pytest.raises(FileNotFoundError, match=r"The labels .*death.* do not exist. Give labels="):
        load(folder, labels="death.parquet")
    (folder / "data" / "0.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"data has no \.parquet files"):
        load(folder)


def test_a_truncated_shard_is_refused(tmp_path):
    path = write(tmp_path, {"0": table(EVENTS)}, table(LABELS)) / "data" / "0.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"0\.parquet: not a complete Parquet file"):
        load(tmp_path)


@pytest.mark.parametrize("engine", ["polars", "pandas", "duckdb"])
def test_a_damaged_shard_is_refused(tmp_path, engine):
    events = [{"subject_id": n % 20, "time": hours(n), "code": f"{n}"} for n in range(5000)]
    path = write(tmp_path, {"0": table(events)}, table(LABELS)) / "data" / "0.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:1000] + bytes(len(content) - 5000) + content[-4000:])
    with pytest.raises(ValueError, match=r"0\.parquet: .*(cannot read it|out of specification)"):
        load(tmp_path, engine=engine)


def test_a_subject_in_two_shards_is_refused(tmp_path):
    shards = {"0": table(EVENTS[:12]), "1": table(EVENTS[11:])}
    with pytest.raises(ValueError, match=r"Subject 11 is in .*0\.parquet and .*1\.parquet"):
        load(write(tmp_path, shards, table(LABELS)))


def test_empty_shards_and_labels_without_events_are_allowed(tmp_path):
    """A subject without events keeps one empty visit, because that is information too."""
    shards = {"0": table(EVENTS[:6]), "1": table(EVENTS).slice(0, 0), "2": table(EVENTS[6:])}
    extra = [LABELS[0] | {"subject_id": 100 + n, "boolean_value": n < 3} for n in range(6)]
    data = load(write(tmp_path, shards, table([*LABELS, *extra])))
    assert data.counts["labels of subjects without events"] == 6
    assert data.counts["labels"] == 26
    # Events of subjects 10 to 19 are after the prediction.
    assert data.counts["labels with one visit without codes"] == 6 + 10
    for part in data.splits.values():
        assert (part.x.lengths == 1).all()
        empty = (part.groups >= 10).tolist()
        assert (part.x.codes_per_visit == 0).tolist() == empty


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (dict.fromkeys(range(19), "train"), r"subject_splits\.parquet: no split for subject 19"),
        (dict.fromkeys(range(20), "dev"), r"the labels of the training split are none"),
        (dict.fromkeys(range(20), None), r"subject_splits\.parquet: split is missing"),
    ],
)
def test_invalid_splits_are_refused(tmp_path, splits, message):
    folder = write(tmp_path, {"0": table(EVENTS)}, table(LABELS), splits=splits)
    with pytest.raises(ValueError, match=message):
        load(folder)


def test_a_subject_with_two_splits_is_refused(tmp_path):
    folder = write(tmp_path, {"0": table(EVENTS), "../metadata/subject_splits": table(
        [{"subject_id": n % 20, "split": "train" if n < 20 else "tuning"} for n in range(21)])},
        table(LABELS))  # fmt: skip
    with pytest.raises(ValueError, match="subject 0 has two values of split"):
        load(folder)


def test_text_may_be_stored_in_any_way(tmp_path):
    """Polars writes large strings, pandas dictionaries for categories."""
    expected = load(write(tmp_path / "plain", {"0": table(EVENTS)}, table(LABELS)))
    for kind in (pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        folder = write(tmp_path / str(kind), {"0": cast(EVENTS, "code", kind)}, table(LABELS))
        for engine in ("polars", "pandas", "duckdb"):
            assert load(folder, engine=engine).checksum == expected.checksum
    assert np.unique(np.concatenate([part.y for part in expected.splits.values()])).tolist() == [
        0, 1,
    ]  # fmt: skip
