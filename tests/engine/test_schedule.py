"""Every row once an epoch, in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets.data import load_data
from kerasnets.engine.buckets import make_buckets
from kerasnets.engine.schedule import ordered_rows, row_matrices, sequence_matrices

SIZE = 16


@pytest.fixture(scope="module")
def visits():
    return load_data("mortality-simulated", patients=150).train.x


def flat(pieces):
    return np.concatenate([rows.ravel() for rows, _ in pieces])


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 150])
@pytest.mark.parametrize("whole", [True, False])
def test_every_row_is_taken_once_an_epoch(rows, whole):
    pieces = row_matrices(rows, SIZE, seed=0, epochs=range(2), whole_epochs=whole)
    assert len(list(pieces)) == len(pieces) == 2 * pieces.per_epoch
    steps = [len(step) for piece, _ in pieces for step in piece]
    assert sorted(steps) == sorted(
        2 * (rows // SIZE * [SIZE] + [rest for rest in [rows % SIZE] if rest])
    )
    first, second = np.split(flat(pieces), 2)
    assert sorted(first) == sorted(second) == list(range(rows))
    assert rows == 1 or not np.array_equal(first, second)


@pytest.mark.parametrize("whole", [True, False])
def test_every_sequence_is_taken_once_an_epoch_with_those_of_its_bucket(visits, whole):
    buckets = make_buckets(visits.lengths)
    pieces = sequence_matrices(buckets, SIZE, seed=0, epochs=range(1), whole_epochs=whole)
    assert pieces.per_epoch == len(pieces) == (1 if whole else buckets.steps(SIZE))
    for made in (pieces, ordered_rows(visits, len(visits), SIZE)):
        taken = flat(made)
        assert sorted(taken[taken >= 0]) == list(range(len(visits)))
        for rows, bucket in made:
            assert rows.dtype == bucket.dtype == np.int32
            for row, number in zip(rows, bucket, strict=True):
                lengths = visits.lengths[row[row >= 0]]
                np.testing.assert_array_equal(np.searchsorted(buckets.times, lengths), number)


def test_the_order_of_an_epoch_depends_on_seed_and_number_alone(visits):
    buckets = make_buckets(visits.lengths)
    for order in (
        lambda seed, epochs: row_matrices(64, SIZE, seed=seed, epochs=epochs),
        lambda seed, epochs: sequence_matrices(buckets, SIZE, seed=seed, epochs=epochs),
    ):
        three, two = order(5, range(3)), order(5, range(2, 4))
        np.testing.assert_array_equal(three[2][0], two[0][0])
        np.testing.assert_array_equal(three[0][0], order(5, range(1))[0][0])  # asked for again
        assert not np.array_equal(three[0][0], order(6, range(1))[0][0])


def test_the_shuffle_is_that_of_the_seed_and_the_epoch():
    # Bits that kept runs depend on: a resumed one goes on in the order it began with.
    expected = tf.random.experimental.stateless_shuffle(tf.range(40), seed=[3, 7])
    taken = flat(row_matrices(40, SIZE, seed=3, epochs=range(7, 8)))
    np.testing.assert_array_equal(taken, expected)


@pytest.mark.parametrize("rows", [1, 16, 40])
def test_in_order_the_rest_comes_last(rows):
    pieces = ordered_rows(np.zeros((rows, 2)), rows, SIZE)
    assert [piece.shape[1] for piece, _ in pieces] == [
        n for n in (SIZE, rows % SIZE) if 0 < n <= rows
    ]
    np.testing.assert_array_equal(flat(pieces), np.arange(rows))


@pytest.mark.parametrize("index", [2, 99])
def test_behind_the_last_epoch_there_is_nothing(index):
    pieces = row_matrices(SIZE, SIZE, seed=0, epochs=range(2))
    with pytest.raises(IndexError):
        pieces[index]
