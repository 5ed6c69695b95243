"""Convolutional networks on the spectrogram of an EEG row and on statistics of the row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import CLASSES, SAMPLES, classifier, signal_input
from kerasnets.nets.catalogue import register, variant

LONG = 2_047  # samples: half of the 23 rows of a recording together

# Values stay in µV, because the amplitude of a rhythm distinguishes the classes.
_RECIPE: dict[str, Any] = {
    "rescaling": "none",
    "learning_rate": 0.004,
    "schedule": "cosine",
}


def _normalize(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)


def _spectrum(x: Any, frame: int, step: int, gain: float, name: str) -> Any:
    """Log amplitudes per frequency and frame, normalized per frequency."""
    # Imported here because the layer imports Keras. Names and summaries must work without Keras.
    from kerasnets.nets.layers.random_gain import RandomGain

    # The kernels are not trained. Adam would change all weights of a kernel by similar amounts,
    # which is enough for the strong slow rhythms to leak into the weak fast ones (validation
    # accuracy 0.74 instead of 0.79).
    x = keras.layers.STFTSpectrogram(
        mode="log", frame_length=frame, frame_step=step, fft_length=frame, trainable=False,
        name=name,
    )(x)  # fmt: skip
    if gain:
        x = RandomGain(gain, name=f"{name}_gain")(x)
    return _normalize(x, name)


def _frames(
    x: Any, filters: Sequence[int], kernel_size: int, dropout: float, name: str
) -> list[Any]:
    """The mean spectrum, and the mean and maximum of convolutions over the frames."""
    pooled = [keras.layers.GlobalAveragePooling1D(name=f"{name}_mean")(x)]
    for number, width in enumerate(filters, start=1):
        conv = f"{name}_conv_{number}"
        x = keras.layers.Conv1D(width, kernel_size, padding="same", use_bias=False, name=conv)(x)
        x = keras.layers.ReLU(name=f"{conv}_relu")(_normalize(x, conv))
        if dropout:
            x = keras.layers.SpatialDropout1D(dropout, name=f"{conv}_dropout")(x)
    return [
        *pooled,
        keras.layers.GlobalAveragePooling1D(name=f"{name}_conv_mean")(x),
        keras.layers.GlobalMaxPooling1D(name=f"{name}_conv_max")(x),
    ]


@register("seizure-spectral", data="seizure", source="own", epochs=20, **_RECIPE)
def seizure_spectral(
    *,
    frames: Sequence[int] = (32, 64),
    steps: Sequence[int] = (4, 8),
    filters: Sequence[Sequence[int]] = ((32, 32), (48, 48)),
    kernel_size: int = 3,
    units: int = 32,
    conv_dropout: float = 0.05,
    dropout: float = 0.4,
    shift: int = 16,
    scale: float = 0.1,
    reverse: bool = True,
    gain: float = 0.25,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """Two log spectrograms, two convolutions over the frames of each → 5: 24,151 parameters.

    One of our reference nets. Other nets mainly confuse the tumor area and the healthy area of
    the brain. Much of the difference between them is above 40 Hz, where amplitudes are a
    hundredth of those of the slow rhythms. A convolution of the samples hardly detects it; the
    logarithm of the spectrum shows it. Short frames are precise in time, long frames in
    frequency. The logits also depend on the mean spectra and, through a dense layer, on eight
    statistics of the row.

    Args:
        frames: the number of samples per frame of each spectrogram.
        steps: the number of samples between the starts of two frames, per spectrogram.
        filters: the filters of the convolutions of each spectrogram, with batch normalization.
        kernel_size: the number of frames per kernel; with padding.
        units: the width of the dense layer on the statistics.
        conv_dropout: the rate at which training drops channels of a convolution.
        dropout: the dropout rate before the logits.
        shift: augmentation: the largest shift in samples, in either direction.
        scale: augmentation: the largest logarithm of the scale factor of a row.
        reverse: augmentation: reverse half of the rows, chosen at random.
        gain: augmentation: the standard deviation of a random gain per frequency and row, in
            units of the logarithm.
        samples: the number of samples per row, in µV.
        classes: the number of logits.
    """
    # Imported here because the layers import Keras. Names and summaries must work without Keras.
    from kerasnets.nets.layers.random_signal import RandomSignal
    from kerasnets.nets.layers.signal_statistics import SignalStatistics

    signal, x = signal_input(samples)
    x = RandomSignal(shift, scale, reverse, name="augment")(x)
    statistics = _normalize(SignalStatistics(name="statistics")(x), "statistics")
    statistics = keras.layers.Dense(units, use_bias=False, name="dense")(statistics)
    pooled = [keras.layers.ReLU(name="dense_relu")(_normalize(statistics, "dense"))]
    x = keras.layers.Reshape((samples, 1), name="as_sequence")(x)
    for frame, step, widths in zip(frames, steps, filters, strict=True):
        name = f"spectrum_{frame}"
        spectrum = _spectrum(x, frame, step, gain, name)
        pooled += _frames(spectrum, widths, kernel_size, conv_dropout, name)
    x = keras.layers.Concatenate(name="pooled")(pooled)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return classifier(signal, x, classes)


# Fewer than 10,000 parameters, including the 4,224 fixed ones of the spectrum.
variant(
    "seizure-spectral-small", of="seizure-spectral", source="own",
    recipe={"epochs": 30, "monitor": "val_accuracy", **_RECIPE},
    frames=(64,), steps=(8,), filters=((22, 32),), units=16,
    conv_dropout=0.0, dropout=0.2, gain=0.0,
    summary="One log spectrogram, convolutions 22 and 32 × 3 over its frames → 5: "
    "9,656 parameters.",
)  # fmt: skip
_LONG_RECIPE: dict[str, Any] = {"epochs": 10, **_RECIPE}
_WINDOWS = {**_LONG_RECIPE, "data_options": {"samples": LONG, "step": SAMPLES}}
# One second is too short to distinguish tumor area from healthy area with any net, because the
# discharges that show the difference are rare. This net is trained on overlapping windows.
variant(
    "seizure-spectral-long", of="seizure-spectral", source="own",
    recipe=_LONG_RECIPE, recipe_by_data=dict.fromkeys(("seizure", "seizure-simulated"), _WINDOWS),
    samples=LONG,
    summary="``seizure-spectral`` on half a recording, 2,047 samples or 11.8 s: "
    "24,151 parameters.",
)  # fmt: skip
