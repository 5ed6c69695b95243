"""Parameter counts as formulas of the sizes, random inputs, and nets for the tests of nets."""

from __future__ import annotations

import functools

import keras
import numpy as np

import kerasnets as kn

# The tests of these nets take time in proportion to their samples. Fewer samples change neither
# their layers nor their parameters.
FEWER_SAMPLES = {
    "seizure-gru": {"samples": 5},
    "seizure-gru-2": {"samples": 5},
    "seizure-gru-5": {"samples": 5},
    "seizure-gru-2x32": {"samples": 5},
    "seizure-spectral-long": {"samples": 200},
}


def build(name):
    """Build a net with fewer samples, if that does not change its layers."""
    return kn.build(name, **FEWER_SAMPLES.get(name, {}))


@functools.cache
def net_of(name):
    """The net, with the same random weights in every test; do not train it."""
    keras.utils.set_random_seed(0)
    return build(name)


def inputs_for(net, rows, scale=50):
    """Random inputs of a net."""
    rng = np.random.default_rng(rows)
    if isinstance(net.input, dict):
        length = rng.integers(1, 4, rows, endpoint=True).astype("int32")
        features = net.input["visits"].shape[-1]
        return {"visits": (rng.random((rows, 4, features)) < 0.02).astype("f4"), "length": length}
    return rng.normal(0, scale, (rows, *net.input_shape[1:])).astype("float32")


def dense(inputs, *widths):
    """Parameters of a stack of dense layers."""
    total = 0
    for width in widths:
        total += (inputs + 1) * width
        inputs = width
    return total


def conv(kernel, channels, *filters):
    """Parameters of a stack of convolutions."""
    total = 0
    for width in filters:
        total += (kernel * channels + 1) * width
        channels = width
    return total


def norm_conv(kernels, channels, *filters):
    """Trainable parameters of convolutions without bias, each with batch normalization."""
    total = 0
    for kernel, width in zip(kernels, filters, strict=True):
        total += kernel * channels * width + 2 * width
        channels = width
    return total


def bins(frame):
    """Frequencies in the spectrum of a frame."""
    return frame // 2 + 1


def spectral(frames, units, classes=5):
    """Trainable parameters of a net on spectrograms.

    Args:
        frames: the filters of the convolutions, by the frame length of their spectrogram.
        units: the width of the dense layer on the statistics.
        classes: the number of logits.
    """
    total, pooled = 2 * 8 + 8 * units + 2 * units, units
    for frame, filters in frames.items():
        total += 2 * bins(frame) + norm_conv([3] * len(filters), bins(frame), *filters)
        pooled += bins(frame) + 2 * filters[-1]
    return total + dense(pooled, classes)


def spectral_fixed(frames, units):
    """Cosines and sines of the spectra, and moving statistics of all batch normalizations."""
    return 2 * (8 + units) + sum(
        2 * frame * bins(frame) + 2 * (bins(frame) + sum(filters))
        for frame, filters in frames.items()
    )


def gru(inputs, *widths, biases=2, directions=1):
    """Parameters of a stack of GRU layers: three gates per unit."""
    total = 0
    for width in widths:
        total += directions * 3 * width * (inputs + width + biases)
        inputs = directions * width
    return total


def lstm(inputs, *widths):
    """Parameters of a stack of LSTM layers: four gates per unit, one bias vector."""
    total = 0
    for width in widths:
        total += 4 * width * (inputs + width + 1)
        inputs = width
    return total
