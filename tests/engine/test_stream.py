"""Data are copied to tensors at once, or in chunks if they are large."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.schedule import EpochSchedule
from kerasnets.engine.sources import ArraySource
from kerasnets.engine.stream import Feed, fits_in_memory
from tests.engine.helpers import assert_same


@pytest.mark.parametrize("resident", [True, False])
def test_a_feed_returns_the_rows_of_steps(resident, monkeypatch):
    monkeypatch.setattr("kerasnets.engine.stream.fits_in_memory", lambda source: resident)
    source = ArraySource((np.arange(20.0).reshape(10, 2), np.arange(10)))
    feed, steps = Feed(source), EpochSchedule(10, 4, shuffle=True).epoch(0)
    assert feed.resident == resident
    part = steps[1:]
    tensors, positions = feed(part)
    assert tensors[0].shape[0] == (10 if resident else 6)
    for position, row in zip(positions.rows, part.rows, strict=True):
        np.testing.assert_array_equal(position >= 0, row >= 0)
        batch = source.gather(tensors, tf.constant(position[position >= 0]), None)
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
