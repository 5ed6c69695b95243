"""The fewest buckets within the limit of padding are found, with the least padding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from kerasnets.engine import buckets as buckets_module
from kerasnets.engine.buckets import Buckets, make_buckets


def best_by_search(lengths, max_padding):
    """Return number of buckets and padding of the best choice, by trying all."""
    values = np.unique(lengths)
    for count in range(1, len(values) + 1):
        choices = [
            Buckets(lengths, np.array([*chosen, values[-1]])).padding
            for chosen in itertools.combinations(values[:-1], count - 1)
        ]
        if min(choices) <= max_padding:
            return count, min(choices)
    raise AssertionError("one bucket per length leaves no padding")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("max_padding", [0.0, 0.0503, 0.1003, 0.3003])
def test_no_other_choice_of_buckets_is_better(seed, max_padding):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, rng.integers(1, 30))
    buckets = make_buckets(lengths, max_padding)
    count, padding = best_by_search(lengths, max_padding)
    assert (len(buckets.bucket_lengths), buckets.padding) == (count, pytest.approx(padding))


@pytest.mark.parametrize("max_buckets", [1, 2, 3])
def test_there_are_never_more_buckets_than_allowed(max_buckets):
    lengths = np.array([1, 2, 3, 50, 60, 70, 400])
    buckets = make_buckets(lengths, 0.0, max_buckets)
    assert len(buckets.bucket_lengths) == max_buckets
    least = min(
        Buckets(lengths, np.array([*chosen, 400])).padding
        for chosen in itertools.combinations(lengths[:-1], max_buckets - 1)
    )
    assert buckets.padding == pytest.approx(least)


@pytest.mark.parametrize("lengths", [[3], [5, 5, 5], [1, 1_000_000]])
def test_few_distinct_lengths_need_no_padding(lengths):
    buckets = make_buckets(np.array(lengths))
    assert buckets.bucket_lengths.tolist() == sorted(set(lengths))
    assert buckets.padding == 0


def test_padding_is_the_share_in_padded_arrays():
    lengths = np.array([1, 1, 2, 5, 6, 6])
    buckets = Buckets(lengths, np.array([2, 6]))
    computed = 3 * 2 + 3 * 6
    assert buckets.padding == pytest.approx(1 - lengths.sum() / computed)
    assert buckets.bucket_of.tolist() == [0, 0, 0, 1, 1, 1]


def test_at_most_a_tenth_is_padding():
    rng = np.random.default_rng(0)
    lengths = np.clip(np.rint(np.exp(rng.normal(2, 1.2, 50_000))), 1, 2000).astype(int)
    buckets = make_buckets(lengths)
    assert buckets.padding <= 0.1
    assert len(buckets.bucket_lengths) <= 32


def test_the_work_grows_linearly_with_the_number_of_distinct_lengths(monkeypatch):
    class Counted(float):
        """Counts multiplications; there is one per evaluated line."""

        count = 0

        def __rmul__(self, other):
            Counted.count += 1
            return float(self) * other

    add = buckets_module._add_bucket
    monkeypatch.setattr(
        buckets_module,
        "_add_bucket",
        lambda least, values, shorter: add(least, [Counted(v) for v in values], shorter),
    )
    work = {}
    for distinct in (1000, 5000):
        lengths = np.arange(1, distinct + 1)
        Counted.count = 0
        buckets = make_buckets(lengths, 0.0, 8)
        assert len(buckets.bucket_lengths) == 8
        work[distinct] = Counted.count
    assert 0 < work[5000] <= 6 * work[1000]
    assert work[5000] < 8 * 8 * 5000


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_every_row_is_in_one_batch_of_its_bucket(shuffle, batch_size):
    lengths = np.random.default_rng(0).integers(1, 30, 100)
    buckets = make_buckets(lengths)
    batches = buckets.batches(batch_size, np.random.default_rng(1) if shuffle else None)
    assert len(batches) == buckets.steps(batch_size)
    assert sorted(np.concatenate(batches)) == list(range(100))
    for rows in batches:
        assert 1 <= len(rows) <= batch_size
        assert len(set(np.searchsorted(buckets.bucket_lengths, lengths[rows]))) == 1
    order = np.concatenate(batches)
    in_order = np.lexsort((np.arange(100), buckets.bucket_of))
    assert np.array_equal(order, in_order) == (not shuffle)
