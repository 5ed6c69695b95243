"""Batches of sequences that are built inside a compiled step equal those of NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.sources import Examples
from kerasnets.engine.stream import fits_in_memory
from tests.engine.helpers import Sequences


def gather(source, rows, length, *, xla):
    """Return a batch as the compiled loop builds it; with XLA, all shapes are known."""
    tensors = source.tensors()
    if xla:
        run = tf.function(
            lambda tensors, rows: source.gather(tensors, rows, length), jit_compile=True
        )
        return run(tensors, tf.constant(rows, tf.int32))
    specs = tuple(tf.TensorSpec((None, *t.shape[1:]), t.dtype) for t in tensors)
    run = tf.function(
        source.gather,
        input_signature=[specs, tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32)],
    )
    return run(tensors, tf.constant(rows, tf.int32), tf.constant(length))


@pytest.mark.parametrize("xla", [True, False])
@pytest.mark.parametrize(("rows", "more"), [([5, 0, 7], 0), ([5, 0, 7], 2), ([3], 0), ([2, 2], 1)])
def test_batches_are_those_of_numpy(rows, more, xla):
    source = Sequences(9)
    length = int(source.lengths[rows].max()) + more
    batch, expected = gather(source, rows, length, xla=xla), source.take(np.array(rows), length)
    assert list(batch) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(batch[name], array)
        assert batch[name].dtype == array.dtype


@pytest.mark.parametrize("xla", [True, False])
def test_sequences_without_any_code_are_zeros(xla):
    source = Sequences(4)
    source._visits[:] = False
    source.codes = source.codes[:0]
    source.code_offsets = np.zeros_like(source.code_offsets)
    length = int(source.lengths.max())
    batch = gather(source, np.arange(4), length, xla=xla)
    np.testing.assert_array_equal(batch["visits"], np.zeros((4, length, 5)))
    np.testing.assert_array_equal(batch["length"], source.lengths)


def test_a_source_describes_its_batches():
    source = Sequences(9)
    assert len(source) == 9
    assert source.lengths.dtype == np.int32
    assert source.batch_spec()["visits"] == tf.TensorSpec((None, None, 5), tf.float32)
    assert source.nbytes == 4 * (2 * len(source.codes) + 3 * 9)
    assert source.key() != Sequences(9).key()
    assert source.form() is source


@pytest.mark.parametrize("rows", [[5, 0, 7, 7], [3], []])
def test_chunks_have_the_rows_of_numpy(rows):
    """A chunk contains only the codes of its sequences, so large ones are read from the disk."""
    source = Sequences(9)
    tensors = source.tensors(np.array(rows, int))
    starts = source.code_offsets[source.visit_offsets]
    assert len(tensors[0]) == sum(starts[row + 1] - starts[row] for row in rows) + 1
    length = int(source.lengths.max())
    batch = source.gather(tensors, tf.range(len(rows)), tf.constant(length))
    for name, array in source.take(np.array(rows, int), length).items():
        np.testing.assert_array_equal(batch[name], array)


def test_codes_that_int32_cannot_number_are_streamed():
    source = Sequences(4)
    assert source.can_be_resident
    source.codes = np.broadcast_to(source.codes[:1], (2**31,))
    assert not source.can_be_resident
    assert not fits_in_memory(Examples(source, np.zeros(4)))
