"""Every row is taken once per epoch, in an order that depends only on the seed and the epoch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.buckets import make_buckets
from kerasnets.engine.schedule import EpochSchedule, StepCursor

SIZE = 16
LENGTHS = np.random.default_rng(0).integers(1, 30, 150)
BUCKETS = make_buckets(LENGTHS)


def taken(steps):
    """Return the rows of all steps in order."""
    return steps.rows[steps.rows >= 0]


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 150])
@pytest.mark.parametrize("shuffle", [True, "batch", False])
def test_every_row_is_taken_once_per_epoch(rows, shuffle):
    schedule = EpochSchedule(rows, SIZE, shuffle=shuffle)
    first, second = (schedule.epoch(number) for number in range(2))
    assert len(first) == schedule.steps_per_epoch == -(-rows // SIZE)
    assert first.rows.dtype == first.buckets.dtype == np.int32
    assert sorted(taken(first)) == sorted(taken(second)) == list(range(rows))
    # Only the last step is smaller, and its missing rows are at the end.
    assert (first.rows[:-1] >= 0).all()
    assert [(step >= 0).sum() for step in first.rows] == [
        min(SIZE, rows - at) for at in range(0, rows, SIZE)
    ]
    assert (np.diff((first.rows[-1] >= 0).astype(int)) <= 0).all()
    changed = not np.array_equal(taken(first), taken(second))
    assert changed == (bool(shuffle) and rows > 1)


def test_rows_are_shuffled_within_their_batch():
    rows = EpochSchedule(40, SIZE, shuffle="batch").epoch(0).rows
    for at, step in enumerate(rows):
        assert sorted(step[step >= 0]) == list(range(at * SIZE, min(at * SIZE + SIZE, 40)))


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_sequence_is_taken_once_with_those_of_its_bucket(shuffle):
    schedule = EpochSchedule(150, SIZE, buckets=BUCKETS, shuffle=shuffle)
    steps = schedule.epoch(0)
    assert len(steps) == schedule.steps_per_epoch == BUCKETS.steps(SIZE)
    assert sorted(taken(steps)) == list(range(150))
    for row, bucket in zip(steps.rows, steps.buckets, strict=True):
        lengths = LENGTHS[row[row >= 0]]
        np.testing.assert_array_equal(
            np.searchsorted(BUCKETS.bucket_lengths, lengths), np.full(len(lengths), bucket)
        )
    if not shuffle:
        assert (np.diff(steps.buckets) >= 0).all()


@pytest.mark.parametrize("buckets", [None, BUCKETS])
def test_the_order_of_an_epoch_depends_only_on_seed_and_number(buckets):
    def order(seed, number):
        return EpochSchedule(150, SIZE, buckets=buckets, shuffle=True, seed=seed).epoch(number).rows

    np.testing.assert_array_equal(order(5, 2), order(5, 2))
    assert not np.array_equal(order(5, 2), order(5, 1))
    assert not np.array_equal(order(5, 2), order(6, 2))
    schedule = EpochSchedule(150, SIZE, buckets=buckets, shuffle=True, seed=5)
    np.testing.assert_array_equal(schedule.epoch(1).rows, order(5, 1))
    np.testing.assert_array_equal(schedule.epoch(0).rows, order(5, 0))  # an earlier one again


def test_the_shuffle_is_that_of_the_seed_and_the_epoch():
    # Run folders that exist depend on these bits: a resumed run continues in the same order.
    expected = tf.random.experimental.stateless_shuffle(tf.range(40), seed=[3, 7])
    steps = EpochSchedule(40, SIZE, shuffle=True, seed=3).epoch(7)
    np.testing.assert_array_equal(taken(steps), expected)


def test_steps_can_be_sliced():
    steps = EpochSchedule(40, SIZE).epoch(0)
    assert len(steps[1:]) == 2
    np.testing.assert_array_equal(taken(steps[1:2]), np.arange(16, 32))


def test_without_steps_per_epoch_every_epoch_takes_all_rows():
    cursor = StepCursor(EpochSchedule(40, SIZE, shuffle=True), None)
    for number in (3, 0):
        np.testing.assert_array_equal(cursor.epoch(number).rows, cursor.schedule.epoch(number).rows)


def test_an_epoch_with_fewer_steps_begins_where_the_last_one_ended():
    schedule = EpochSchedule(6 * SIZE, SIZE, shuffle=True, seed=1)
    cursor = StepCursor(schedule, 2)
    passes = [np.concatenate([cursor.epoch(0).rows for _ in range(3)]) for _ in range(2)]
    for number, rows in enumerate(passes):
        np.testing.assert_array_equal(rows, schedule.epoch(number).rows)


def test_an_epoch_ends_with_the_data_and_the_warning_of_keras():
    cursor = StepCursor(EpochSchedule(4 * SIZE, SIZE), 3)
    sizes = [len(cursor.epoch(0))]
    with pytest.warns(UserWarning, match="Your input ran out of data; interrupting training"):
        sizes.append(len(cursor.epoch(1)))
    sizes.append(len(cursor.epoch(2)))
    assert sizes == [3, 1, 3]
