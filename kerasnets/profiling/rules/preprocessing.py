"""Preprocessing that works in inference too: scaling, interpolation, masks, buckets, spectra."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Counts, Op, elementwise
from kerasnets.profiling.registry import Call, UnsupportedError, rule
from kerasnets.profiling.rules.windows import channels_last, convolve
from kerasnets.profiling.sizes import product, ratio


@rule("Rescaling")
def rescaling(layer: Any, call: Call) -> list[Op]:
    """X · scale + offset; both are done whatever their values."""
    return [elementwise("rescale", call.sample(call.output), additions=1, multiplications=1)]


@rule("Masking")
def masking(layer: Any, call: Call) -> list[Op]:
    """Each entry compared with the mask value, the answers joined for a step, entries chosen."""
    *steps, size = call.sample(call.input)
    return [
        elementwise("mask", tuple(steps) or (1,), "any entry ≠ mask value",
                    comparisons=2 * size - 1),
        elementwise("mask", call.sample(call.output), "entry or 0", comparisons=1),
    ]  # fmt: skip


@rule("UpSampling2D", "Resizing")
def interpolation(layer: Any, call: Call) -> list[Op]:
    """Nearest copies. Bilinear is three blends a + w · (b − a) for each output.

    Raises:
        UnsupportedError: for other interpolations.
    """
    if layer.interpolation == "nearest" or call.input == call.output:
        return []
    if layer.interpolation != "bilinear" or getattr(layer, "antialias", False):
        raise UnsupportedError(f"no rule for {layer.interpolation} interpolation")
    outputs = call.sample(call.output)
    return [elementwise("interpolate", outputs, "3 blends", additions=6, multiplications=3)]


@rule("RandomCrop", "CenterCrop")
def crop(layer: Any, call: Call) -> list[Op]:
    """Nothing where a crop is cut out; bilinear interpolation where the image is too small.

    In inference ``RandomCrop`` always resizes to the crop, unless the image has its size.
    """
    outputs = channels_last(call.output, layer.data_format)
    inputs = channels_last(call.input, layer.data_format)
    cut = all(a >= b for a, b in zip(inputs, outputs, strict=True))
    if call.input == call.output or (cut and type(layer).__name__ == "CenterCrop"):
        return []
    raise UnsupportedError("no rule for a crop that resizes")


@rule("Discretization")
def discretization(layer: Any, call: Call) -> list[Op]:
    """A binary search among n boundaries: ⌈log₂(n + 1)⌉ comparisons."""
    boundaries = len(layer.bin_boundaries or ())
    return [
        elementwise("search", call.sample(call.input), comparisons=max(boundaries.bit_length(), 1))
    ]


@rule("CategoryEncoding")
def category_encoding(layer: Any, call: Call) -> list[Op]:
    """One-hot only places ones; multi-hot compares and count adds for each category given."""
    if layer.output_mode == "one_hot":
        return []
    given = call.sample(call.input)
    outputs = (layer.num_tokens,)
    counts: dict[str, Any] = (
        {"comparisons": 1} if layer.output_mode == "multi_hot" else {"additions": 1}
    )
    return [elementwise("count", (*given, *outputs), **counts)]


# What a mode of the spectrogram does with the real and imaginary part of each bin.
_POWER = Counts(additions=1, multiplications=2)
_SPECTRA = {
    "real": Counts(),
    "imag": Counts(),
    "stft": Counts(),
    "angle": Counts(transcendentals=1),
    "psd": _POWER + Counts(additions=1),  # the power of the inner bins added once more
    "magnitude": _POWER + Counts(comparisons=1, transcendentals=1),
    "log": _POWER + Counts(comparisons=2, transcendentals=2),
}


@rule("STFTSpectrogram")
def stft_spectrogram(layer: Any, call: Call) -> list[Op]:
    """A convolution with cosines, one with sines, as Keras does it, then what the mode takes."""
    values = product(call.output)
    parts = [name for name, skipped in (("cosines", "imag"), ("sines", "real"))
             if layer.mode != skipped]  # fmt: skip
    bins = (ratio(values, 2) if layer.mode == "stft" else values,)
    window = (layer.frame_length,)
    ops = [convolve(bins, window, 1, False, name) for name in parts]
    return [*ops, Op("spectrum", _SPECTRA[layer.mode], bins, label=layer.mode)]
