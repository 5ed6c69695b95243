"""Every public Keras layer is counted, ignored with a reason, or reported as unsupported."""

import inspect
import re
from pathlib import Path

import keras
import pytest

import kerasnets as kn
from kerasnets.profiling import coverage

layers = keras.layers
PUBLIC = {
    name: cls
    for name, cls in vars(layers).items()
    if inspect.isclass(cls) and issubclass(cls, layers.Layer)
}


def test_every_public_layer_has_a_state():
    states = coverage()
    assert {PUBLIC[name] for name in states} == set(PUBLIC.values())
    # Keras 3.11 has 135 layers; later versions have more.
    assert len(states) == len(set(PUBLIC.values())) >= 135
    kinds = {state.partition(":")[0] for state in states.values()}
    assert kinds == {"counted", "ignored", "unsupported"}


IMAGE, SEQUENCE = (8, 8, 3), (6, 4)


def entry(name, shape, *arguments):
    """An entry of the tables below: a function that creates the layer, and its input shape."""
    return name, (lambda: getattr(layers, name)(*arguments), shape)


def of_ranks(kinds, ranks, *arguments, before=()):
    shapes = {rank: (*before, *(8,) * rank, 3) for rank in ranks}
    return dict(entry(f"{kind}{n}D", shapes[n], *arguments) for kind in kinds for n in ranks)


# One call of each counted layer: a function that creates it, and its input shape.
CALLS = {
    **of_ranks(["MaxPooling", "AveragePooling"], (1, 2, 3), 2),
    **of_ranks(["GlobalMaxPooling", "GlobalAveragePooling"], (1, 2, 3)),
    **of_ranks(["AdaptiveMaxPooling", "AdaptiveAveragePooling"], (1, 2, 3), 3),
    **{f"Conv{n}D{end}": entry(f"Conv{n}D{end}", (*(8,) * n, 3), 2, 3)[1]
       for n in (1, 2, 3) for end in ("", "Transpose")},
    **of_ranks(["ConvLSTM"], (1, 2, 3), 2, 3, before=(4,)),
    **of_ranks(["DepthwiseConv"], (1, 2), 3),
    **of_ranks(["SeparableConv"], (1, 2), 2, 3),
    **dict(entry(name, SEQUENCE) for name in (
        "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "BatchNormalization", "LayerNormalization",
        "RMSNormalization", "UnitNormalization", "Masking")),
    **dict(entry(name, SEQUENCE, 3) for name in ("Dense", "SimpleRNN", "GRU", "LSTM")),
    "Activation": (lambda: layers.Activation("tanh"), SEQUENCE),
    "GroupNormalization": (lambda: layers.GroupNormalization(2), SEQUENCE),
    "SpectralNormalization": (lambda: layers.SpectralNormalization(layers.Dense(3)), SEQUENCE),
    "Normalization": (lambda: layers.Normalization(mean=0.0, variance=1.0), SEQUENCE),
    "EinsumDense": (lambda: layers.EinsumDense("abc,cd->abd", (6, 5), bias_axes="d"), SEQUENCE),
    "Rescaling": (lambda: layers.Rescaling(2.0), SEQUENCE),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Dense(3)), SEQUENCE),
    "Bidirectional": (lambda: layers.Bidirectional(layers.GRU(3)), SEQUENCE),
    "RNN": (lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)]), SEQUENCE),
    "Lambda": (lambda: layers.Lambda(lambda x: x * 2.0), SEQUENCE),
    "Pipeline": (lambda: layers.Pipeline([layers.Rescaling(2.0)]), IMAGE),
    "UpSampling2D": (lambda: layers.UpSampling2D(interpolation="bilinear"), IMAGE),
    "Resizing": (lambda: layers.Resizing(4, 4), IMAGE),
    "Discretization": (lambda: layers.Discretization([0.0, 1.0]), SEQUENCE),
    "CategoryEncoding": (lambda: layers.CategoryEncoding(5), (4,)),
    "STFTSpectrogram": (lambda: layers.STFTSpectrogram("log", 16, 8, 16), (64, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(CALLS) & set(dir(layers))))
def test_counted_layers_have_a_cost_and_nothing_is_missing(name):
    create, shape = CALLS[name]
    inputs = keras.Input(shape)
    cost = kn.profile(keras.Model(inputs, create()(inputs)))
    assert cost.unsupported == ()
    assert cost.flops > 0
    assert coverage()[name] == "counted"


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"])
def test_merging_layers_take_one_operation_less_than_they_have_inputs(name):
    inputs = [keras.Input((5, 2)) for _ in range(3)]
    if name == "Subtract":
        inputs = inputs[:2]
    cost = kn.profile(keras.Model(inputs, getattr(layers, name)()(inputs)))
    assert cost.flops == 5 * 2 * (len(inputs) - 1 + (name == "Average"))


IGNORED = {
    "Reshape": (lambda: layers.Reshape((4, 6)), SEQUENCE),
    "Flatten": (layers.Flatten, SEQUENCE),
    "Permute": (lambda: layers.Permute((2, 1)), SEQUENCE),
    "RepeatVector": (lambda: layers.RepeatVector(3), (4,)),
    "ZeroPadding1D": (layers.ZeroPadding1D, SEQUENCE),
    "Cropping1D": (layers.Cropping1D, SEQUENCE),
    "UpSampling1D": (layers.UpSampling1D, SEQUENCE),
    "Dropout": (lambda: layers.Dropout(0.5), SEQUENCE),
    "SpatialDropout1D": (lambda: layers.SpatialDropout1D(0.5), SEQUENCE),
    "GaussianNoise": (lambda: layers.GaussianNoise(0.5), SEQUENCE),
    "Identity": (layers.Identity, SEQUENCE),
    "RandomFlip": (layers.RandomFlip, IMAGE),
}


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_ignored_layers_cost_nothing_and_have_a_reason(name):
    create, shape = IGNORED[name]
    inputs = keras.Input(shape)
    cost = kn.profile(keras.Model(inputs, create()(inputs)))
    assert cost.flops == 0
    assert cost.unsupported == ()
    (row,) = cost.layers
    assert coverage()[name] == f"ignored: {row.reason}"


def test_an_unsupported_layer_is_reported_with_its_path_and_the_total_is_a_lower_bound():
    inputs = keras.Input((64,))
    inner = keras.Model(
        inputs, layers.MelSpectrogram(fft_length=16, sequence_stride=8)(inputs), name="ears"
    )
    outer = keras.Input((64,))
    cost = kn.profile(keras.Model(outer, layers.Dense(3)(layers.Flatten()(inner(outer)))))
    (missing,) = cost.unsupported
    assert missing.startswith("ears/mel_spectrogram: ")
    assert f"FLOPs (exact): ≥ {cost.flops:,}" in str(cost)
    assert cost.layers[0].supported is False
    assert cost.layers[-1].supported is True


@pytest.mark.skipif(keras.__version__ < "3.15", reason="the page lists the layers of Keras 3.15")
def test_the_documentation_lists_every_layer_in_its_state():
    page = (Path(__file__).parents[2] / "docs" / "profiling.md").read_text("utf-8")
    text = page.partition("## Which layers")[2]
    states = coverage()
    for heading in ("Counted", "Ignored", "Unsupported"):
        section = text.partition(f"**{heading}**")[2].partition("**")[0]
        names = {name for name, state in states.items() if state.startswith(heading.lower())}
        assert section.startswith(f" ({len(names)}):")
        assert names <= set(re.findall(r"\w+", section))
    for reason in {state.partition(": ")[2] for state in states.values()} - {""}:
        assert f"- {reason}: " in text
