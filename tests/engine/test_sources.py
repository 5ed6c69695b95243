"""Sources hand out rows of arrays and of sequences, and build the same batches in a step."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.schedule import EpochSchedule
from kerasnets.engine.sources import ArraySource, Examples, as_source
from kerasnets.engine.stream import Feed, fits_in_memory
from tests.engine.helpers import Sequences

ROWS = np.array([3, 0, 3])
NESTED = {
    "a": np.arange(10, dtype="float32").reshape(5, 2),
    "b": (np.arange(5), None),
    "c": tf.constant([[True]] * 5),
}


def test_a_structure_of_arrays():
    source = ArraySource(NESTED)
    assert len(source) == 5
    assert source.lengths is source.buckets is None
    assert source.nbytes == 10 * 4 + 5 * 8 + 5 * 1
    spec = source.batch_spec()
    assert spec["a"] == tf.TensorSpec((None, 2), tf.float32)
    assert spec["b"] == (tf.TensorSpec((None,), tf.int64), None)
    assert source.key() == ArraySource(NESTED | {"a": np.ones((9, 2), "float32")[:5]}).key()
    assert source.key() != ArraySource(NESTED | {"a": np.ones((5, 2))}).key()


def assert_same(made, expected):
    for a, b in zip(tf.nest.flatten(made), tf.nest.flatten(expected), strict=True):
        if b is None:
            assert a is None
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["arrays", "examples"])
def test_rows_are_the_same_taken_and_gathered(kind):
    labels = np.arange(5), {"w": np.arange(5.0)}
    source = ArraySource(NESTED) if kind == "arrays" else Examples(Sequences(5), *labels)
    length = None if kind == "arrays" else int(source.lengths[ROWS].max())
    expected = source.take(ROWS, length)
    tensors = source.tensors()
    assert_same(source.gather(tensors, tf.constant(ROWS, tf.int32), length), expected)
    form = source.form()
    assert form.key() == source.key()
    assert_same(form.gather(tensors, tf.constant(ROWS, tf.int32), length), expected)
    if kind == "arrays":
        assert_same(source.gather(source.tensors(ROWS), tf.range(3), None), expected)
        assert all(leaf is None for leaf in form.leaves)
    else:
        assert source.nbytes == source.inputs.nbytes + 5 * 16
        assert source.buckets is source.inputs.buckets


@pytest.mark.parametrize("structure", [{}, (np.zeros(3), np.zeros(2))])
def test_arrays_have_one_number_of_rows(structure):
    with pytest.raises(ValueError, match="same number of rows, got"):
        ArraySource(structure)
    with pytest.raises(ValueError, match="There are 3 inputs and 2 labels"):
        Examples(ArraySource(np.zeros(3)), np.zeros(2))


def test_inputs_are_made_a_source_once():
    source = as_source(NESTED)
    assert as_source(source) is source
    assert len(as_source(np.zeros((4, 2)))) == 4


@pytest.mark.parametrize("resident", [True, False])
def test_a_feed_hands_out_the_rows_of_steps(resident, monkeypatch):
    monkeypatch.setattr("kerasnets.engine.stream.fits_in_memory", lambda source: resident)
    source = ArraySource((np.arange(20.0).reshape(10, 2), np.arange(10)))
    feed, steps = Feed(source), EpochSchedule(10, 4, shuffle=True).epoch(0)
    assert feed.resident == resident
    some = steps[1:]
    tensors, places = feed(some)
    assert tensors[0].shape[0] == (10 if resident else 6)
    for there, row in zip(places.rows, some.rows, strict=True):
        np.testing.assert_array_equal(there >= 0, row >= 0)
        batch = source.gather(tensors, tf.constant(there[there >= 0]), None)
        assert_same(batch, source.take(row[row >= 0]))
    assert (feed(steps)[0] is tensors) == resident


def test_a_chunk_of_a_stream_stays_small(monkeypatch):
    source = ArraySource(np.zeros((10, 25), "float32"))
    assert fits_in_memory(source)
    assert Feed(source).max_steps(4) == 2**31 - 1
    monkeypatch.setattr("kerasnets.engine.stream.fits_in_memory", lambda source: False)
    monkeypatch.setattr("kerasnets.engine.stream._CHUNK_BYTES", 1000)
    assert [Feed(source).max_steps(size) for size in (1, 4, 1000)] == [10, 2, 1]


def test_half_of_the_memory_is_the_limit(monkeypatch):
    sizes = {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 2001}
    monkeypatch.setattr("os.sysconf", sizes.__getitem__)
    assert fits_in_memory(ArraySource(np.zeros(250, "float32")))
    assert not fits_in_memory(ArraySource(np.zeros(251, "float32")))
