"""The counts compared with XLA's cost analysis of the compiled forward pass.

The numbers are FLOPs plus transcendentals, as jax 0.10.2 reports them for these nets.
``scripts/benchmarks/profile_xla.py`` measures them again. XLA counts a sum of n products as 2n
operations, although there are only n − 1 additions, and the bias separately.
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
def test_counts_differ_by_exactly_one_addition_per_sum(name):
    cost = kn.profile(kn.build(name))
    sums = sum(op.sums for row in cost.layers for op, _ in row.steps)
    assert cost.flops == MEASURED[name] - sums
