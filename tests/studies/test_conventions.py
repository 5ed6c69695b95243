"""The conventions s2 and s5: the stated FLOPs of S2 and S5, as formulas of the sizes."""

import pytest

import kerasnets as kn
from kerasnets.profiling import list_conventions

SAMPLES, CLASSES, HIDDEN = 178, 5, 16
C1, C2, KERNEL, FC = 6, 16, 5, 128
N1 = SAMPLES - KERNEL + 1  # positions of the first convolution
P1 = N1 // 2
N2 = P1 - KERNEL + 1
P2 = N2 // 2
HEAD = 2 * P2 * C2 * FC + FC + 2 * FC * CLASSES


def mlp(sigmoid):
    return 2 * SAMPLES * HIDDEN + sigmoid * HIDDEN + 2 * HIDDEN * CLASSES


def gru(second_bias):
    gate = 2 * (1 + HIDDEN)
    unit = 2 * (gate + 4) + (gate + 1 + 6) + 4 + 3 * second_bias
    return SAMPLES * HIDDEN * unit + 2 * HIDDEN * CLASSES


EXACT_CNN = (
    2 * KERNEL * N1 * C1 + N1 * C1 + P1 * C1
    + 2 * KERNEL * C1 * N2 * C2 + N2 * C2 + P2 * C2
    + HEAD
)  # fmt: skip
S2_CNN = 2 * KERNEL * (N1 * C1 + N2 * C2) + C1 + C2 + P1 * C1 + P2 * C2 + HEAD
S5_CNN = (2 * KERNEL - 1 + 1) * (N1 * C1 + N2 * C2) + P1 * C1 + P2 * C2 + HEAD


@pytest.mark.parametrize(
    ("net", "arguments", "convention", "formula", "stated"),
    [
        ("seizure-mlp", {}, "exact", mlp(4), 5_920),
        ("seizure-mlp", {}, "s2", mlp(3), 5_904),
        ("seizure-mlp", {}, "s5", mlp(4), 5_920),
        ("seizure-cnn", {}, "exact", EXACT_CNN, 263_014),
        ("seizure-cnn", {}, "s2", S2_CNN, 194_264),
        ("seizure-cnn", {}, "s5", S5_CNN, 194_242),
        ("seizure-gru", {"reset_after": True}, "exact", gru(1), 353_312),
        ("seizure-gru", {"reset_after": False}, "exact", gru(0), 344_768),
        ("seizure-gru", {"reset_after": False}, "s5", gru(0), 344_768),
    ],
)
def test_flops_equal_the_formula_and_the_stated_figure(net, arguments, convention, formula, stated):
    flops = kn.profile(kn.build(net, **arguments), convention=convention).flops
    assert type(flops) is int
    assert flops == formula == stated


@pytest.mark.parametrize("name", kn.list_nets("seizure-*"))
def test_every_seizure_net_is_counted_completely_under_every_convention(name):
    net = kn.build(name)
    assert {"exact", "macs", "tf", "s2", "s5"} <= set(list_conventions())
    for convention in list_conventions():
        cost = kn.profile(net, convention=convention)
        assert cost.unsupported == ()
        assert cost.params == net.count_params()
        assert cost.flops == sum(layer.flops for layer in cost.layers) > 0
