"""Preprocessing layers that run in inference: scaling, interpolation, masks, buckets, spectra."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Counts, Op, elementwise
from kerasnets.profiling.registry import Call, UnsupportedError, rule
from kerasnets.profiling.rules.windows import channels_last, convolve
from kerasnets.profiling.sizes import exact_div, product


@rule("Rescaling")
def rescaling(layer: Any, call: Call) -> list[Op]:
    """One product with the scale and one sum with the offset, for any values of the two."""
    return [elementwise("rescale", call.sample(call.output), additions=1, multiplications=1)]


@rule("Masking")
def masking(layer: Any, call: Call) -> list[Op]:
    """Compare each entry with the mask value, combine the results per step, select entries."""
    *steps, size = call.sample(call.input)
    return [
        elementwise("mask", tuple(steps) or (1,), "any entry ≠ mask value",
                    comparisons=2 * size - 1),
        elementwise("mask", call.sample(call.output), "entry or 0", comparisons=1),
    ]  # fmt: skip


@rule("UpSampling2D", "Resizing")
def interpolation(layer: Any, call: Call) -> list[Op]:
    """Nearest is a copy. Bilinear is three blends a + w · (b − a) per output.

    Raises:
        UnsupportedError: for any other interpolation.
    """
    if layer.interpolation == "nearest" or call.input == call.output:
        return []
    if layer.interpolation != "bilinear" or getattr(layer, "antialias", False):
        raise UnsupportedError(f"no rule for {layer.interpolation} interpolation")
    outputs = call.sample(call.output)
    return [elementwise("interpolate", outputs, "3 blends", additions=6, multiplications=3)]


@rule("RandomCrop", "CenterCrop")
def crop(layer: Any, call: Call) -> list[Op]:
    """A crop that fits the image costs nothing. Smaller images are resized, which has no rule.

    In inference, ``RandomCrop`` resizes every image that does not have the size of the crop.
    """
    outputs = channels_last(call.output, layer.data_format)
    inputs = channels_last(call.input, layer.data_format)
    cut = all(a >= b for a, b in zip(inputs, outputs, strict=True))
    if call.input == call.output or (cut and type(layer).__name__ == "CenterCrop"):
        return []
    raise UnsupportedError("no rule for a crop that resizes")


@rule("Discretization")
def discretization(layer: Any, call: Call) -> list[Op]:
    """A binary search over n boundaries: ⌈log₂(n + 1)⌉ comparisons."""
    boundaries = len(layer.bin_boundaries or ())
    return [
        elementwise("search", call.sample(call.input), comparisons=max(boundaries.bit_length(), 1))
    ]


@rule("CategoryEncoding")
def category_encoding(layer: Any, call: Call) -> list[Op]:
    """Multi-hot compares and count adds, once per category and input; one-hot only copies."""
    if layer.output_mode == "one_hot":
        return []
    inputs = call.sample(call.input)
    outputs = (layer.num_tokens,)
    counts: dict[str, Any] = (
        {"comparisons": 1} if layer.output_mode == "multi_hot" else {"additions": 1}
    )
    return [elementwise("count", (*inputs, *outputs), **counts)]


# What each mode of the spectrogram does with the real and imaginary part of a bin.
_POWER = Counts(additions=1, multiplications=2)
_SPECTRA = {
    "real": Counts(),
    "imag": Counts(),
    "stft": Counts(),
    "angle": Counts(transcendentals=1),
    "psd": _POWER + Counts(additions=1),  # the power of the inner bins is added twice
    "magnitude": _POWER + Counts(comparisons=1, transcendentals=1),
    "log": _POWER + Counts(comparisons=2, transcendentals=2),
}


@rule("STFTSpectrogram")
def stft_spectrogram(layer: Any, call: Call) -> list[Op]:
    """One convolution with cosines and one with sines, then the computation of the mode."""
    values = product(call.output)
    parts = [name for name, skipped in (("cosines", "imag"), ("sines", "real"))
             if layer.mode != skipped]  # fmt: skip
    bins = (exact_div(values, 2) if layer.mode == "stft" else values,)
    window = (layer.frame_length,)
    ops = [convolve(bins, window, 1, False, name) for name in parts]
    return [*ops, Op("spectrum", _SPECTRA[layer.mode], bins, label=layer.mode)]
