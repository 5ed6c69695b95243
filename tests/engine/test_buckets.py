"""Buckets: the fewest that keep padding low, at the times that leave the least; and batches."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from kerasnets.data import load_data
from kerasnets.data.dataset import Split
from kerasnets.engine.buckets import Buckets, make_buckets
from kerasnets.engine.stream import batches, shuffled_sequences


def by_search(lengths, most_padding):
    """Number of buckets and padding of the best choice among all."""
    values = np.unique(lengths)
    for count in range(1, len(values) + 1):
        choices = [
            Buckets(lengths, np.array([*chosen, values[-1]])).padding
            for chosen in itertools.combinations(values[:-1], count - 1)
        ]
        if min(choices) <= most_padding:
            return count, min(choices)
    raise AssertionError("a bucket a length leaves no padding")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("most_padding", [0.0, 0.0503, 0.1003, 0.3003])
def test_no_other_choice_of_buckets_is_better(seed, most_padding):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, rng.integers(1, 30))
    buckets = make_buckets(lengths, most_padding)
    count, padding = by_search(lengths, most_padding)
    assert (len(buckets.times), buckets.padding) == (count, pytest.approx(padding))


def test_padding_is_that_of_the_arrays():
    lengths = np.array([1, 1, 2, 5, 6, 6])
    buckets = Buckets(lengths, np.array([2, 6]))
    computed = 3 * 2 + 3 * 6
    assert buckets.padding == pytest.approx(1 - lengths.sum() / computed)
    assert [buckets.time(np.array(rows)) for rows in ([0, 2], [3, 4], [3])] == [2, 6, 6]


@pytest.mark.parametrize("name", ["eicu", "long tail", "mortality-simulated"])
def test_at_most_a_tenth_is_padding(name, request):
    if name == "eicu":
        folder = request.getfixturevalue("real_data_dir")
        lengths = load_data("eicu", data_dir=folder).train.x.lengths
    elif name == "long tail":
        rng = np.random.default_rng(0)
        lengths = np.clip(np.rint(np.exp(rng.normal(2, 1.2, 50_000))), 1, 2000).astype(int)
    else:
        lengths = load_data("mortality-simulated", patients=1000).train.x.lengths
    started = time.process_time()
    buckets = make_buckets(lengths)
    assert time.process_time() - started < 2
    assert buckets.padding <= 0.1
    assert len(buckets.times) <= 32


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_every_row_is_in_one_batch_of_its_bucket(shuffle, batch_size):
    lengths = np.random.default_rng(0).integers(1, 30, 100)
    buckets = make_buckets(lengths)
    made = buckets.batches(batch_size, np.random.default_rng(1) if shuffle else None)
    assert len(made) == buckets.steps(batch_size)
    assert sorted(np.concatenate(made)) == list(range(100))
    for rows in made:
        assert 1 <= len(rows) <= batch_size
        assert len(set(np.searchsorted(buckets.times, lengths[rows]))) == 1


@pytest.fixture(scope="module")
def split():
    return load_data("mortality-simulated", patients=300).train


def as_rows(dataset, split):
    """The rows of each batch, told by the dense content."""
    given = [tuple(part.numpy() for part in (*x.values(), *rest)) for x, *rest in dataset]
    return [{"visits": visits, "length": length, "rest": rest} for visits, length, *rest in given]


def test_an_epoch_depends_on_seed_and_number_alone(split):
    def epoch(seed, epochs):
        dataset = shuffled_sequences(split, 32, seed=seed, epochs=epochs)
        return as_rows(dataset, split)

    both, second = epoch(0, range(2)), epoch(0, range(1, 2))
    steps = make_buckets(split.x.lengths).steps(32)
    assert len(both) == 2 * steps
    for one, other in zip(both[steps:], second, strict=True):
        np.testing.assert_array_equal(one["visits"], other["visits"])
        np.testing.assert_array_equal(one["rest"], other["rest"])
    other = epoch(1, range(1))
    assert any(a["length"].tolist() != b["length"].tolist() for a, b in zip(both, other))  # noqa: B905


def test_batches_hold_what_the_rows_hold(split):
    weights = np.arange(len(split), dtype="float32")  # tells which row it is
    dataset = shuffled_sequences(split, 16, seed=3, epochs=range(1), weights=weights)
    buckets = make_buckets(split.x.lengths)
    shapes, seen = set(), []
    for batch in as_rows(dataset, split):
        y, rows = batch["rest"][0], batch["rest"][1].astype(int)
        expected = split.x.subset(rows).dense(buckets.time(rows))
        np.testing.assert_array_equal(batch["visits"], expected["visits"])
        np.testing.assert_array_equal(batch["length"], expected["length"])
        np.testing.assert_array_equal(y, split.y[rows])
        shapes.add(batch["visits"].shape[1])
        seen.extend(rows)
    assert sorted(seen) == list(range(len(split)))
    assert shapes == set(buckets.times.tolist())


def test_in_order_every_row_comes_once(split):
    rows = np.concatenate(make_buckets(split.x.lengths).batches(64))
    assert sorted(rows) == list(range(len(split)))
    given = list(batches(split, 64))
    lengths = np.concatenate([x["length"].numpy() for x, _ in given])
    np.testing.assert_array_equal(lengths, split.x.lengths[rows])
    labels = np.concatenate([y.numpy() for _, y in given])
    np.testing.assert_array_equal(labels, split.y[rows])


def test_arrays_keep_their_order():
    x = {"visits": np.arange(6.0).reshape(3, 2), "length": np.array([1, 2, 1])}
    dataset = batches(Split(x, np.array([0, 1, 0])), 2)
    assert [y.numpy().tolist() for _, y in dataset] == [[0, 1], [0]]
