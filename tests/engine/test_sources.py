"""Sources return rows of arrays and of sequences, and build the same batches in a step."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.sources import ArraySource, Examples, as_source
from tests.engine.helpers import Sequences, assert_same

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


def test_a_source_is_not_wrapped_again():
    source = as_source(NESTED)
    assert as_source(source) is source
    assert len(as_source(np.zeros((4, 2)))) == 4
