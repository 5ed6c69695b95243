"""XLA compiles a part of a step for full batches only, with the same results."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets.engine.kernels.fused import fused


def compiled_nodes(graph):
    """Return how many nodes of a graph and of its functions XLA must compile."""
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    return sum(node.attr["_XlaMustCompile"].b for node in nodes)


@pytest.mark.parametrize("rows", [0, 4])
def test_full_and_smaller_batches_give_the_same_results(rows):
    def shifted(x, shift):
        return x * 2 + shift

    run = tf.function(lambda x: fused(shifted, rows, x, 1.0), autograph=False)
    concrete = run.get_concrete_function(tf.TensorSpec((None, 3)))
    assert compiled_nodes(concrete.graph) == (1 if rows else 0)
    for count in (0, 1, 4, 5):
        x = np.arange(3 * count, dtype="float32").reshape(count, 3)
        np.testing.assert_array_equal(concrete(tf.constant(x)), x * 2 + 1)
