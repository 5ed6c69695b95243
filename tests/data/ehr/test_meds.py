"""MEDS data sets become sequences of visits, compared with plain Python event by event."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from kerasnets.data import load_data
from tests.data.ehr.meds_helpers import (
    PARENTS,
    by_subject,
    hours,
    in_python,
    random_events,
    random_labels,
    sequences_of,
    table,
    write,
)


def load(folder, **options):
    return load_data("meds", folder, **{"labels": "labels.parquet", "min_count": 1} | options)


@pytest.fixture(scope="module")
def events():
    return random_events(0)


@pytest.fixture(scope="module")
def labels():
    return random_labels(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, events, labels):
    return write(tmp_path_factory.mktemp("meds"), by_subject(events, 3), table(labels), PARENTS)


def known(expected, data):
    """The expected visits with the codes of the vocabulary; all others are the unknown code."""
    names = set(data.train.x.names)
    return {
        key: [{code if code in names else "unknown" for code in visit} for visit in visits]
        for key, visits in expected.items()
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"visit_hours": 1},
        {"visit_hours": 7, "exclude_prediction_time": True},
        {"ancestors": False},
        {"ancestors": "top", "visit_hours": 100},
        {"exclude": ["A1", "D"], "without_code": ["C"]},
        {"exclude": "B*"},
        {"visits": "encounter"},
        {"visits": "encounter", "encounter": "hadm_id", "exclude_prediction_time": True},
    ],
)
def test_sequences_are_those_of_plain_python(folder, events, labels, options):
    data = load(folder, **options)
    rules = dict(options)
    rules["encounters"] = rules.pop("visits", "day") == "encounter"
    rules.pop("encounter", None)
    if rules.get("exclude") == "B*":
        rules["exclude"] = ["B1"]
    expected = in_python(events, labels, **rules)
    assert sequences_of(data) == known(expected, data)
    truth = {(row["subject_id"], row["prediction_time"]): row["boolean_value"] for row in labels}
    for part in data.splits.values():
        keys = zip(*(part.x.keys[name].tolist() for name in part.x.keys), strict=True)
        assert [truth[key] for key in keys] == (part.y == 1).tolist()
        assert part.groups.tolist() == part.x.keys["subject_id"].tolist()


def test_events_after_the_prediction_change_no_bit(folder, events, labels, tmp_path):
    """Later events are replaced by others, of codes that do not exist before."""
    limit = {}
    for row in labels:
        old = limit.setdefault(row["subject_id"], row["prediction_time"])
        limit[row["subject_id"]] = max(old, row["prediction_time"])
    early = [row for row in events if row["subject_id"] not in limit or row["time"] is None
             or row["time"] <= limit[row["subject_id"]]]  # fmt: skip
    later = [
        {"subject_id": subject, "time": time + (hours(hour) - hours(0)), "code": f"LATER{hour}",
         "numeric_value": 1000.0 * hour, "hadm_id": 1000 * subject + hour}
        for subject, time in limit.items() if subject < 24 for hour in (1e-9, 1, 3000)
        if (time + (hours(hour) - hours(0))) > time
    ]  # fmt: skip
    changed = write(tmp_path, by_subject([*early, *later], 3), table(labels), PARENTS)
    for options in ({"numeric_bins": 3}, {"visits": "encounter"}):
        expected, data = load(folder, **options), load(changed, **options)
        assert data.checksum == expected.checksum
        for name, part in data.splits.items():
            assert part.x.names == expected.splits[name].x.names
            for ours, theirs in zip(part.x.content, expected.splits[name].x.content, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_rows_and_shards_in_any_order_and_duplicates_change_nothing(events, labels, tmp_path):
    rng = np.random.default_rng(3)
    mixed = [events[row] for row in rng.permutation(len(events))] + events[:50]
    one = write(tmp_path / "one", {"all": table(sorted(
        events, key=lambda row: (row["subject_id"], row["time"] or hours(-1e5))))},
        table(labels), PARENTS)  # fmt: skip
    other = write(tmp_path / "other", {"all": table(mixed)}, table(labels[::-1]), PARENTS)
    assert load(one, numeric_bins=2).checksum == load(other, numeric_bins=2).checksum
    many = write(tmp_path / "many", by_subject(mixed, 4), table(labels), PARENTS)
    assert sequences_of(load(many)) == sequences_of(load(one))


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@pytest.mark.parametrize("options", [{"numeric_bins": 4}, {"visits": "encounter"}])
def test_engines_give_the_same_bits(folder, engine, options):
    ours, expected = load(folder, engine=engine, **options), load(folder, **options)
    assert ours.checksum == expected.checksum
    for name, part in ours.splits.items():
        for array, other in zip(part.x.content, expected.splits[name].x.content, strict=True):
            np.testing.assert_array_equal(array, other)


def test_numeric_values_are_binned_by_quantiles_of_the_training_split(tmp_path):
    """Subjects 0 to 99 have the values 0 to 99; the training split alone sets the limits."""
    values = dict.fromkeys(range(100))
    rows = [{"subject_id": n, "time": hours(1), "code": "X", "numeric_value": float(n)}
            for n in values]  # fmt: skip
    rows += [{"subject_id": n, "time": hours(1), "code": "SAME", "numeric_value": 1.0}
             for n in values]  # fmt: skip
    rows += [{"subject_id": n, "time": hours(1), "code": "NONE"} for n in values]
    rows += [{"subject_id": 0, "time": hours(1), "code": "X", "numeric_value": float("nan")}]
    labels = [{"subject_id": n, "prediction_time": hours(2), "boolean_value": n % 2 == 0}
              for n in values]  # fmt: skip
    split = {n: "train" if n % 10 < 6 else "tuning" if n % 10 < 8 else "held_out" for n in values}
    folder = write(tmp_path, {"0": table(rows)}, table(labels), splits=split)
    data = load(folder, numeric_bins=3)
    train = sorted(n for n, part in split.items() if part == "train")
    first, second = train[20], train[40]  # 20 of 60 values are below the first, 40 the second
    bins = [f"X//[-inf,{first})", f"X//[{first},{second})", f"X//[{second},inf)"]
    assert data.train.x.names == ("unknown", *sorted(["NONE", "SAME", "X", *bins]))
    for (subject, _), (visit,) in sequences_of(data).items():
        expected = bins[int(subject >= first) + int(subject >= second)]
        assert visit == {"NONE", "SAME", "X", expected}
    alone = load(folder, numeric_bins=3, ancestors=False)
    assert all("X" not in visit or subject == 0 for (subject, _), (visit,) in
               sequences_of(alone).items())  # fmt: skip


def test_given_splits_are_used_and_other_splits_left_out(folder, events, labels, tmp_path):
    names = ("train", "tuning", "held_out", "train", "extra")
    split = {n: names[n % 5] for n in range(30)}
    given = write(tmp_path, by_subject(events, 3), table(labels), PARENTS, split)
    data = load(given)
    assert data.split == "given"
    for name, part in zip(("train", "tuning", "held_out"), data.splits.values(), strict=True):
        subjects = {row["subject_id"] for row in labels if split[row["subject_id"]] == name}
        assert set(part.x.keys["subject_id"].tolist()) == subjects
    left_out = sum(split[row["subject_id"]] == "extra" for row in labels)
    assert data.counts["labels in other splits, left out"] == left_out > 0
    own = load(given, split="patient", seed=3)
    assert own.split == "patient"
    assert own.checksum == data.checksum
    expected = load(folder, seed=3)
    np.testing.assert_array_equal(own.test.groups, expected.test.groups)


def test_every_subject_is_in_one_test_fold(folder, labels):
    tested = [load(folder, folds=3, fold=fold).test.groups for fold in range(3)]
    assert sorted(np.concatenate(tested)) == sorted(row["subject_id"] for row in labels)
    assert not set(tested[0]) & set(tested[1])


def test_persons_with_several_subjects_are_in_one_part(events, labels, tmp_path):
    """Our converter of eICU writes a subject per stay, and the person of each."""
    folder = write(tmp_path, {
        **by_subject(events, 3), "../metadata/subjects": pa.table({
            "subject_id": np.arange(30), "patient": np.arange(30) // 2})},
        table(labels))  # fmt: skip
    parts = [set(part.groups.tolist()) for part in load(folder).splits.values()]
    assert set.union(*parts) == set(range(15))
    assert sum(map(len, parts)) == 15


@pytest.mark.parametrize(
    ("column", "values", "names"),
    [
        ("integer_value", [7, -1, 30], ("-1", "7", "30")),
        ("categorical_value", ["mild", "severe", "none"], ("mild", "none", "severe")),
    ],
)
def test_labels_may_be_classes(events, tmp_path, column, values, names):
    rows = [{"subject_id": n, "prediction_time": hours(50), column: values[n % 3]}
            for n in range(30)]  # fmt: skip
    columns = ("subject_id", "prediction_time", "boolean_value", column)  # one without values
    folder = write(tmp_path, by_subject(events, 2), table(rows, columns))
    data = load(folder)
    assert data.class_names == names
    for part in data.splits.values():
        expected = [names.index(str(values[n % 3])) for n in part.groups]
        assert part.y.tolist() == expected
    named = load(folder, class_names=["a", "b", "c"])
    assert named.class_names == ("a", "b", "c")
    with pytest.raises(ValueError, match="class_names has 1 names; the labels have the classes"):
        load(folder, class_names=["a"])


def test_labels_may_be_in_several_files(folder, events, labels, tmp_path):
    parts = {f"tasks/death/{n}/x": table(labels[n::3]) for n in range(3)}
    divided = write(tmp_path, by_subject(events, 3), parts, PARENTS)
    assert load(divided, labels="tasks/death").checksum == load(folder).checksum
    assert load(folder, labels=tmp_path / "tasks/death").checksum == load(folder).checksum
