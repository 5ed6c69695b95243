"""Convolutional networks on the spectrogram of an EEG row, beside what sums the row up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import CLASSES, SAMPLES, classifier, signal_input
from kerasnets.nets.catalogue import register

LONG = 2_047  # samples: half of what 23 rows make

# µV stay µV: how strong a rhythm is tells the kinds of EEG apart.
_RECIPE: dict[str, Any] = {
    "rescaling": "none",
    "learning_rate": 0.004,
    "schedule": "cosine",
}


def _normalise(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)


def _spectrum(x: Any, frame: int, step: int, gain: float, name: str) -> Any:
    """Logarithms of the amplitude of each frequency in each frame, each frequency normalised."""
    # Here and not above: the layer is a Keras class, and names and summaries need no Keras.
    from kerasnets.nets.layers.random_gain import RandomGain

    # Its kernels stay: Adam moves every weight of a kernel by as much, and that is enough for the
    # strong slow rhythms to leak into the faint fast ones (0.74 in validation instead of 0.79).
    x = keras.layers.STFTSpectrogram(
        mode="log", frame_length=frame, frame_step=step, fft_length=frame, trainable=False,
        name=name,
    )(x)  # fmt: skip
    if gain:
        x = RandomGain(gain, name=f"{name}_gain")(x)
    return _normalise(x, name)


def _frames(
    x: Any, filters: Sequence[int], kernel_size: int, dropout: float, name: str
) -> list[Any]:
    """The mean spectrum, and mean and maximum of convolutions over its frames."""
    pooled = [keras.layers.GlobalAveragePooling1D(name=f"{name}_mean")(x)]
    for number, width in enumerate(filters, start=1):
        conv = f"{name}_conv_{number}"
        x = keras.layers.Conv1D(width, kernel_size, padding="same", use_bias=False, name=conv)(x)
        x = keras.layers.ReLU(name=f"{conv}_relu")(_normalise(x, conv))
        if dropout:
            x = keras.layers.SpatialDropout1D(dropout, name=f"{conv}_dropout")(x)
    return [
        *pooled,
        keras.layers.GlobalAveragePooling1D(name=f"{name}_conv_mean")(x),
        keras.layers.GlobalMaxPooling1D(name=f"{name}_conv_max")(x),
    ]


def _seizure_spectral(
    name: str,
    *,
    frames: Sequence[int],
    steps: Sequence[int],
    filters: Sequence[Sequence[int]],
    kernel_size: int,
    units: int,
    conv_dropout: float,
    dropout: float,
    shift: int,
    scale: float,
    reverse: bool,
    gain: float,
    samples: int,
    classes: int,
) -> keras.Model:
    # Here and not above: the layers are Keras classes, and names and summaries need no Keras.
    from kerasnets.nets.layers.random_signal import RandomSignal
    from kerasnets.nets.layers.signal_statistics import SignalStatistics

    signal, x = signal_input(samples)
    x = RandomSignal(shift, scale, reverse, name="augment")(x)
    statistics = _normalise(SignalStatistics(name="statistics")(x), "statistics")
    statistics = keras.layers.Dense(units, use_bias=False, name="dense")(statistics)
    pooled = [keras.layers.ReLU(name="dense_relu")(_normalise(statistics, "dense"))]
    x = keras.layers.Reshape((samples, 1), name="as_sequence")(x)
    for frame, step, widths in zip(frames, steps, filters, strict=True):
        part = f"spectrum_{frame}"
        spectrum = _spectrum(x, frame, step, gain, part)
        pooled += _frames(spectrum, widths, kernel_size, conv_dropout, part)
    x = keras.layers.Concatenate(name="pooled")(pooled)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return classifier(name, signal, x, classes)


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

    Ours. Tumour area and healthy area are what nets confuse, and much of what tells them apart
    lies above 40 Hz, a hundredth as strong as the slow rhythms: a convolution of the samples
    hardly sees it, a logarithm of the spectrum shows it. Short frames are exact in time, long ones
    in frequency. Beside their convolutions the logits see the mean spectra and, through a dense
    layer, eight statistics of the row.

    Args:
        frames: samples a frame of each spectrogram.
        steps: samples from each frame to the next.
        filters: of the convolutions over the frames of each, each normalised over the batch.
        kernel_size: frames under each kernel; padded.
        units: the width of the dense layer on the statistics.
        conv_dropout: the rate at which training drops whole channels of a convolution.
        dropout: the rate before the logits.
        shift: samples, at most, by which training shifts a row either way.
        scale: logarithm, at most, of the factor by which it scales a row.
        reverse: whether it runs every other row, by chance, backwards.
        gain: standard deviation of the logarithm by which it makes each frequency of a row louder
            or softer.
        samples: samples a row, in µV.
        classes: how many logits come out.
    """
    return _seizure_spectral("seizure-spectral", **locals())


@register(
    "seizure-spectral-small", data="seizure", source="own", epochs=30, monitor="val_accuracy",
    **_RECIPE,
)  # fmt: skip
def seizure_spectral_small(
    *,
    frames: Sequence[int] = (64,),
    steps: Sequence[int] = (8,),
    filters: Sequence[Sequence[int]] = ((22, 32),),
    kernel_size: int = 3,
    units: int = 16,
    conv_dropout: float = 0.0,
    dropout: float = 0.2,
    shift: int = 16,
    scale: float = 0.1,
    reverse: bool = True,
    gain: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """One log spectrogram, convolutions 22 and 32 × 3 over its frames → 5: 9,656 parameters.

    Ours: ``seizure-spectral`` in fewer than 10,000 parameters, the 4,224 of the fixed spectrum
    among them. Arguments as there.
    """
    return _seizure_spectral("seizure-spectral-small", **locals())


@register(
    "seizure-spectral-long", data="seizure", source="own", epochs=10,
    data_options={"samples": LONG, "step": SAMPLES}, **_RECIPE,
)  # fmt: skip
def seizure_spectral_long(
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
    samples: int = LONG,
    classes: int = CLASSES,
) -> keras.Model:
    """``seizure-spectral`` on half a recording, 2,047 samples or 11.8 s: 24,151 parameters.

    Ours. A second is too short to tell tumour area from healthy area, whatever the net: the
    discharges that give it away come now and then. It trains on windows of the recordings that
    overlap. Arguments as there.
    """
    return _seizure_spectral("seizure-spectral-long", **locals())
