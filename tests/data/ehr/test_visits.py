"""Event tables become ragged sequences and dense batches, compared with plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data.ehr.visits import NO_CODE, VisitSequences, group_events

NAMES = tuple("abcdefg")


def events(seed, subjects=9, rows=60):
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, subjects, rows)
    return subject, rng.integers(-5, 5, rows), rng.integers(NO_CODE, len(NAMES), rows)


def group_in_python(subject, time, code, subjects):
    """Lists of sets, grouped in plain Python."""
    visits = [{} for _ in range(subjects)]
    for who, when, what in zip(subject.tolist(), time.tolist(), code.tolist(), strict=True):
        visits[who].setdefault(when, set()).update({what} - {NO_CODE})
    return [[seen[when] for when in sorted(seen)] or [set()] for seen in visits]


def as_sets(sequences):
    codes = [set(part.tolist()) for part in np.split(sequences.codes, sequences.code_offsets)][1:-1]
    return [part.tolist() for part in np.split(np.array(codes), sequences.visit_offsets)][1:-1]


@pytest.mark.parametrize("seed", range(8))
def test_grouping_equals_plain_python(seed):
    subject, time, code = events(seed)
    sequences = group_events(subject, time, code, subjects=9, names=NAMES)
    assert as_sets(sequences) == group_in_python(subject, time, code, 9)
    assert all(np.diff(visit).min(initial=1) > 0 for visit in np.split(
        sequences.codes, sequences.code_offsets[1:-1]))  # fmt: skip


def test_the_order_of_the_rows_does_not_matter():
    columns = events(3)
    shuffled = np.random.default_rng(0).permutation(60)
    one = group_events(*columns, subjects=9, names=NAMES)
    other = group_events(*(column[shuffled] for column in columns), subjects=9, names=NAMES)
    for name in ("codes", "code_offsets", "visit_offsets"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_subject_without_events_has_one_empty_visit():
    none = np.zeros(0, np.int64)
    sequences = group_events(none, none, none, subjects=3, names=NAMES)
    assert sequences.lengths.tolist() == [1, 1, 1]
    assert not sequences.dense()["visits"].any()


@pytest.mark.parametrize("time", [None, 30])
def test_dense_visits_hold_the_codes_of_the_sets(time):
    columns = events(5)
    sequences = group_events(*columns, subjects=9, names=NAMES)
    dense = sequences.dense(time)
    expected = group_in_python(*columns, 9)
    assert dense["length"].tolist() == [len(visits) for visits in expected]
    assert dense["length"].dtype == np.int32
    assert dense["visits"].dtype == np.float32
    assert dense["visits"].shape == (9, time or max(map(len, expected)), len(NAMES))
    for row, visits in enumerate(expected):
        for step in range(dense["visits"].shape[1]):
            codes = visits[step] if step < len(visits) else set()
            assert set(np.flatnonzero(dense["visits"][row, step])) == codes
    np.testing.assert_array_equal(sequences.code_counts(), dense["visits"].sum(axis=1))


@pytest.mark.parametrize("rows", [[], [0], [8, 2, 2, 5], list(range(9))])
def test_a_subset_equals_the_same_rows_of_the_dense_array(rows):
    sequences = group_events(*events(7), subjects=9, names=NAMES)
    subset = sequences.subset(np.array(rows, np.int64))
    np.testing.assert_array_equal(subset.dense(20)["visits"], sequences.dense(20)["visits"][rows])
    np.testing.assert_array_equal(subset.lengths, sequences.lengths[rows])


def test_encoding_merges_codes_within_a_visit():
    columns = events(2)
    sequences = group_events(*columns, subjects=9, names=NAMES)
    indices = np.array([0, 1, 0, 2, 0, 1, 0], np.int32)
    encoded = sequences.encode(indices, ("unknown", "x", "y"))
    expected = [[{int(indices[c]) for c in v} for v in row] for row in group_in_python(*columns, 9)]
    assert as_sets(encoded) == expected
    assert encoded.names == ("unknown", "x", "y")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": [0, -1]}, r"Codes must be in \[0, 6\].*min=-1"),
        ({"codes": [0, 7]}, r"Codes must be in \[0, 6\].*max=7"),
        ({"code_offsets": [0, 1, 3]}, "code_offsets must rise from 0 to 2"),
        ({"code_offsets": [0, 3, 2]}, "code_offsets must rise"),
        ({"code_offsets": []}, "code_offsets must rise"),
        ({"visit_offsets": [0, 0, 2]}, "every sequence needs at least one visit"),
        ({"visit_offsets": [0, 1]}, "visit_offsets must rise from 0 to 2"),
    ],
)
def test_inconsistent_arrays_are_refused(change, message):
    valid = {"codes": [0, 6], "code_offsets": [0, 1, 2], "visit_offsets": [0, 1, 2]}
    VisitSequences(**{name: np.array(value) for name, value in valid.items()}, names=NAMES)
    arrays = {name: np.array(value, np.int64) for name, value in {**valid, **change}.items()}
    with pytest.raises(ValueError, match=message):
        VisitSequences(**arrays, names=NAMES)


def test_a_padded_length_that_is_too_short_is_refused():
    sequences = group_events(*events(1), subjects=9, names=NAMES)
    with pytest.raises(ValueError, match=r"lengths must be in \[1, 2\], got max="):
        sequences.dense(2)


@pytest.mark.parametrize(
    ("subject", "time", "code", "message"),
    [
        ([0, 9], [0, 0], [0, 0], r"Subjects must be in \[0, 8\].*max=9"),
        ([-1], [0], [0], r"Subjects must be in \[0, 8\].*min=-1"),
        ([0], [0], [-2], r"Codes must be in \[0, 6\], or -1 for none, got min=-2"),
        ([0], [0], [7], r"Codes must be in \[0, 6\]"),
        ([0], [0, 1], [0], "columns of one length"),
    ],
)
def test_invalid_columns_are_refused(subject, time, code, message):
    with pytest.raises(ValueError, match=message):
        group_events(*map(np.array, (subject, time, code)), subjects=9, names=NAMES)


def test_taken_rows_are_dense_and_padded_to_the_longest_of_them():
    sequences = group_events(*events(7), subjects=9, names=NAMES)
    rows = np.array([4, 1])
    taken = sequences.take(rows)
    longest = sequences.lengths[rows].max()
    assert taken["visits"].shape == (2, longest, len(NAMES))
    np.testing.assert_array_equal(taken["visits"], sequences.dense()["visits"][rows, :longest])
    np.testing.assert_array_equal(taken["length"], sequences.lengths[rows])


def test_code_shares_are_fractions_of_sequences():
    sequences = group_events(*events(4), subjects=9, names=NAMES)
    shares = (sequences.code_counts() > 0).mean(axis=0)
    np.testing.assert_allclose(sequences.code_shares(), shares)


def test_old_names_warn():
    sequences = group_events(*events(4), subjects=9, names=NAMES)
    with pytest.warns(DeprecationWarning, match=r"bag is now VisitSequences\.code_counts"):
        old = sequences.bag()
    np.testing.assert_array_equal(old, sequences.code_counts())
    with pytest.warns(DeprecationWarning, match=r"dense\(length=…\)"):
        assert sequences.dense(time=40)["visits"].shape[1] == 40
