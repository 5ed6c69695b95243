"""Unknown axes are symbols; with a number for a symbol, a net costs what the fixed net costs."""

import keras
import pytest
import sympy
from keras import layers, ops

import kerasnets as kn
from kerasnets.profiling import list_conventions

T = sympy.Symbol("T", integer=True, positive=True)

SEQUENCE_STACKS = {
    "conv valid": [layers.Conv1D(4, 5)],
    "conv same stride": [layers.Conv1D(4, 3, strides=2, padding="same")],
    "conv causal": [layers.Conv1D(4, 3, dilation_rate=2, padding="causal")],
    "conv transpose": [layers.Conv1DTranspose(4, 3, strides=2)],
    "depthwise": [layers.DepthwiseConv1D(3)],
    "separable": [layers.SeparableConv1D(4, 3)],
    "pool": [layers.MaxPooling1D(3, strides=2)],
    "pool same": [layers.AveragePooling1D(3, strides=2, padding="same")],
    "global pool": [layers.GlobalAveragePooling1D(), layers.Dense(2)],
    **(
        {"adaptive pool": [layers.AdaptiveAveragePooling1D(3)]}
        if hasattr(layers, "AdaptiveAveragePooling1D")  # since Keras 3.13
        else {}
    ),
    "padding": [layers.ZeroPadding1D((2, 1)), layers.Dense(3)],
    "cropping": [layers.Cropping1D((2, 1)), layers.Dense(3)],
    "upsampling": [layers.UpSampling1D(3), layers.Dense(3)],
    "permute": [layers.Permute((2, 1)), layers.LayerNormalization(axis=1)],
    "recurrent": [layers.GRU(4, return_sequences=True), layers.LSTM(3)],
    "bidirectional": [layers.Bidirectional(layers.GRU(4, return_sequences=True)), layers.Dense(2)],
    "time distributed": [layers.TimeDistributed(layers.Dense(3, "relu"))],
    "normalizations": [layers.BatchNormalization(), layers.LayerNormalization()],
    "einsum": [layers.EinsumDense("abc,cd->adb", (5, None)), layers.Softmax()],
    "reshape": [layers.Reshape((-1, 2)), layers.Dense(3)],
    "deep": [layers.Conv1D(4, 5, activation="relu"), layers.MaxPooling1D(2),
             layers.Conv1D(6, 3, strides=2), layers.GRU(5)],
}  # fmt: skip


def stacked(stack, time):
    # A layer is built once, so each net gets new layers.
    new_layers = [type(layer).from_config(layer.get_config()) for layer in stack]
    return keras.Sequential([keras.Input((time, 6)), *new_layers])


@pytest.mark.parametrize("name", sorted(SEQUENCE_STACKS))
def test_a_number_for_a_symbol_gives_the_cost_of_the_net_with_that_size(name):
    unknown = stacked(SEQUENCE_STACKS[name], None)
    fixed_nets = {time: stacked(SEQUENCE_STACKS[name], time) for time in (17, 24)}
    for convention in list_conventions():
        cost = kn.profile(unknown, convention=convention)
        for time, net in fixed_nets.items():
            fixed = kn.profile(net, convention=convention)
            assert type(fixed.flops) is int
            assert cost.at(T=time).flops == fixed.flops
            assert sympy.sympify(cost.flops).subs(T, time) == fixed.flops
            assert sympy.sympify(cost.macs).subs(T, time) == fixed.macs


def test_the_cost_of_a_recurrent_net_is_an_expression_of_its_steps():
    inputs = keras.Input((None, 9))
    model = keras.Model(inputs, layers.Dense(2)(layers.GRU(16, reset_after=False)(inputs)))
    cost = kn.profile(model)
    assert cost.symbols == ("T",)
    assert cost.flops == T * 16 * (3 * 2 * (9 + 16) + 2 * 4 + 1 + 6 + 4) + 2 * 16 * 2
    assert kn.profile(model, time=178).flops == cost.at(T=178).flops == cost.flops.subs(T, 178)
    assert type(cost.at(T=178).flops) is int
    assert cost.at(T=178).symbols == ()


def test_attention_is_quadratic_and_each_sequence_has_its_own_symbol():
    words, image = keras.Input((None, 8), name="words"), keras.Input((None, 8), name="patches")
    model = keras.Model([words, image], layers.MultiHeadAttention(2, 4)(words, image))
    cost = kn.profile(model)
    q, k = (sympy.Symbol(f"T_{name}", integer=True, positive=True) for name in ("words", "patches"))
    project = 2 * 8 * 8
    scores, softmax, values = (2 * 4 - 1) * 2 * q * k, 2 * q * (3 * k - 1), (2 * k - 1) * 2 * q * 4
    expected = 2 * project * q + 2 * project * k + 8 * q + scores + softmax + values
    assert sympy.expand(cost.flops - expected) == 0
    assert kn.profile(model, time=10).flops == expected.subs({q: 10, k: 10})
    assert cost.at(T_words=3, T_patches=5).flops == expected.subs({q: 3, k: 5})


def test_images_have_symbols_for_height_and_width():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.Conv2D(4, 3, padding="same", strides=2)(inputs))
    cost = kn.profile(model)
    assert cost.symbols == ("H", "W")
    assert cost.at(H=9, W=6).flops == 2 * 27 * 4 * 5 * 3
    with pytest.raises(ValueError, match=r"no unknown time axis.*H, W"):
        kn.profile(model, time=9)


def test_mobilenet_of_unknown_size_costs_the_same_as_with_a_fixed_size():
    def build(shape):
        return keras.applications.MobileNetV3Small(input_shape=shape, weights=None, classes=10)

    unknown = kn.profile(build((None, None, 3)), convention="macs").at(H=64, W=64)
    assert unknown.flops == kn.profile(build((64, 64, 3)), convention="macs").flops


def test_an_axis_without_a_rule_has_its_own_symbol_until_its_size_is_known():
    inputs = keras.Input((None, 6))
    model = keras.Model(inputs, layers.Dense(2)(ops.pad(inputs, ((0, 0), (1, 1), (0, 0)))[:, ::2]))
    cost = kn.profile(model)
    _, own = cost.symbols
    assert own.startswith("get_item")
    # One more step on each side, then every second step: 1, 3, 5 and 7 of 7.
    assert cost.at(T=5).flops == cost.at(**{own: 4}).flops == 4 * 2 * 6 * 2
