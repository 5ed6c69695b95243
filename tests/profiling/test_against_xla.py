"""The counts against XLA's own cost analysis of the compiled forward pass.

The figures are FLOPs and transcendentals together, as jax 0.10.2 reports them for these nets;
``scripts/benchmarks/profile_xla.py`` measures them anew. XLA counts a sum of n products as 2n
operations, though the first product has nothing to be added to, and its bias beside it.
"""

import pytest

import kerasnets as kn

MEASURED = {
    "seizure-mlp": 5_941,
    "seizure-mlp-two-hidden": 6_533,
    "seizure-mlp-stepped": 49_109,
    "seizure-mlp-wide": 488_965,
    "seizure-cnn": 265_519,
    "seizure-cnn-three-dense": 281_391,
    "seizure-cnn-dropout": 281_391,
    "seizure-cnn-five-block": 339_796,
}


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_equal_to_the_operation_but_for_one_addition_a_sum(name):
    cost = kn.profile(kn.build(name))
    sums = sum(op.sums for row in cost.layers for op, _ in row.steps)
    assert cost.flops == MEASURED[name] - sums
