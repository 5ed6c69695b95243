"""Simulated EEG in the format of the Bonn recordings; needs no files.

Every recording is one continuous signal with its own amplitudes, frequencies and slope, divided
into rows like a real one. Rows of a recording therefore resemble each other, and scores on a split
by row are optimistically biased here too. The five classes follow physiology: spike-and-wave at
3 Hz in seizures, slow focal activity in the tumour area, and alpha at 10 Hz with closed eyes. All
classes have a 1/f background, which is steeper inside the skull than on the scalp. On the scalp,
muscle activity is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.eeg.bonn import (
    CHUNKS,
    CLASS_NAMES,
    RATE,
    RECORDING_SAMPLES,
    SAMPLES,
    SPLITS,
    Rows,
    make_dataset,
)
from kerasnets.data.options import whole_number

_BAND = (0.53, 40.0)  # Hz, the pass band of the Bonn recordings
_CLIP = 2047  # µV, the range of the analogue-to-digital converter


@dataclass(frozen=True)
class Varying:
    """A positive quantity that varies between recordings, log-normal around its median."""

    median: float
    spread: float

    def draw(self, rng: np.random.Generator, recordings: int) -> np.ndarray:
        """One value per recording, shape ``(recordings, 1)``."""
        return self.median * np.exp(self.spread * rng.standard_normal((recordings, 1)))


@dataclass(frozen=True)
class Rhythm:
    """A band-limited oscillation of varying amplitude.

    Attributes:
        frequency: centre of its band, Hz.
        width: standard deviation of its band, Hz.
        amplitude: root mean square, µV.
    """

    frequency: Varying
    width: float
    amplitude: Varying


@dataclass(frozen=True)
class Physiology:
    """The components of one class of recordings; amplitudes are root mean squares in µV.

    Attributes:
        background: amplitude of the 1/f background.
        slope: exponent with which the power of the background decreases with frequency.
        muscle: amplitude of the flat spectrum of muscles and amplifier.
        rhythms: further oscillations.
        spike_wave: amplitude of bursts of 3 Hz spike-and-wave, or ``None``.
    """

    background: Varying
    slope: Varying
    muscle: Varying
    rhythms: tuple[Rhythm, ...]
    spike_wave: Varying | None = None


_DELTA, _THETA, _ALPHA, _BETA = (
    Varying(2.2, 0.25), Varying(5.5, 0.15), Varying(10.0, 0.07), Varying(20.0, 0.15),
)  # fmt: skip

# In the order of the class names. The first three are recorded inside the skull, the others on
# the scalp.
PHYSIOLOGY = (
    Physiology(
        background=Varying(60, 0.4),
        slope=Varying(1.9, 0.12),
        muscle=Varying(4, 0.3),
        rhythms=(Rhythm(_THETA, 1.0, Varying(30, 0.6)),),
        spike_wave=Varying(230, 0.45),
    ),
    Physiology(
        background=Varying(32, 0.35),
        slope=Varying(2.1, 0.12),
        muscle=Varying(2, 0.3),
        rhythms=(
            Rhythm(_DELTA, 0.8, Varying(60, 0.35)),
            Rhythm(_THETA, 1.0, Varying(24, 0.4)),
        ),
    ),
    Physiology(
        background=Varying(38, 0.4),
        slope=Varying(1.9, 0.12),
        muscle=Varying(2, 0.3),
        rhythms=(
            Rhythm(_DELTA, 0.7, Varying(8, 0.5)),
            Rhythm(_THETA, 1.0, Varying(8, 0.5)),
        ),
    ),
    Physiology(
        background=Varying(34, 0.25),
        slope=Varying(1.6, 0.1),
        muscle=Varying(5, 0.3),
        rhythms=(
            Rhythm(_ALPHA, 0.9, Varying(40, 0.35)),
            Rhythm(_BETA, 3.0, Varying(6, 0.4)),
        ),
    ),
    Physiology(
        background=Varying(33, 0.3),
        slope=Varying(1.6, 0.1),
        muscle=Varying(5, 0.3),
        rhythms=(
            Rhythm(_ALPHA, 0.8, Varying(6, 0.6)),
            Rhythm(_BETA, 3.0, Varying(10, 0.35)),
        ),
    ),
)


@register("seizure-simulated", splits=SPLITS)
def load_seizure_simulated(
    *,
    data_dir: str | Path | None = None,
    split: str,
    seed: int,
    recordings_per_class: int = 40,
    generator_seed: int = 0,
    folds: int = 0,
    fold: int = 0,
    classes: int = 5,
    samples: int = SAMPLES,
    step: int | None = None,
) -> Dataset:
    """Simulated EEG with the five classes and the format of ``seizure``; needs no files.

    Args:
        data_dir: not used.
        split: ``"recording"`` or ``"row"``.
        seed: seed of the split.
        recordings_per_class: recordings per class, of 23 rows each; the real data have 100. At
            least 3, one for each part of the split.
        generator_seed: seed of the signals.
        folds: see :func:`kerasnets.data.eeg.bonn.make_dataset`, also for the other options.
        fold: number of the test fold.
        classes: 5, or 2 for seizure against the rest.
        samples: samples per example; other than 178 for windows of the recordings.
        step: samples from one training window to the next.

    Raises:
        ValueError: if an option is out of range.
    """
    whole_number("recordings_per_class", recordings_per_class, 3)
    whole_number("generator_seed", generator_seed, 0)
    signals = simulate_recordings(recordings_per_class, generator_seed)
    recordings = len(signals) * recordings_per_class
    rows = Rows(
        x=signals[..., : CHUNKS * SAMPLES].reshape(-1, SAMPLES),
        y=np.arange(len(signals), dtype=np.int32).repeat(recordings_per_class * CHUNKS),
        recordings=np.arange(recordings).repeat(CHUNKS),
        chunks=np.tile(np.arange(CHUNKS), recordings),
    )
    source = (
        f"simulated, not measured: {recordings_per_class} recordings per class, "
        f"generator seed {generator_seed}"
    )
    return make_dataset(
        "seizure-simulated",
        rows,
        split=split,
        seed=seed,
        source=source,
        folds=folds,
        fold=fold,
        classes=classes,
        samples=samples,
        step=step,
    )


def simulate_recordings(recordings_per_class: int, seed: int = 0) -> np.ndarray:
    """Simulate continuous recordings of every class.

    Args:
        recordings_per_class: number of recordings per class.
        seed: seed of the signals.

    Returns:
        Integers in µV as float32, shape ``(5, recordings_per_class, 4097)``, at 173.61 Hz; the
        classes in the order of their names.
    """
    streams = np.random.default_rng(seed).spawn(len(CLASS_NAMES))
    signals = [
        _signal(kind, recordings_per_class, rng)
        for kind, rng in zip(PHYSIOLOGY, streams, strict=True)
    ]
    return np.clip(np.rint(signals), -_CLIP, _CLIP).astype(np.float32)


def _signal(kind: Physiology, recordings: int, rng: np.random.Generator) -> np.ndarray:
    """Recordings of one class in µV, shape ``(recordings, 4097)``."""
    frequencies = np.fft.rfftfreq(RECORDING_SAMPLES, 1 / RATE)
    pass_band = (frequencies >= _BAND[0]) / (1 + (frequencies / _BAND[1]) ** 8)
    slope = kind.slope.draw(rng, recordings)
    one_over_f = pass_band * np.maximum(frequencies, _BAND[0]) ** (-slope / 2)
    signal = kind.background.draw(rng, recordings) * _noise(one_over_f, rng)
    flat = np.broadcast_to(pass_band, one_over_f.shape)
    signal += kind.muscle.draw(rng, recordings) * _noise(flat, rng)
    for rhythm in kind.rhythms:
        centre = rhythm.frequency.draw(rng, recordings)
        band = np.exp(-(((frequencies - centre) / rhythm.width) ** 2) / 4)
        signal += rhythm.amplitude.draw(rng, recordings) * _noise(band * pass_band, rng)
    if kind.spike_wave is not None:
        signal += kind.spike_wave.draw(rng, recordings) * _spike_wave(recordings, rng)
    return signal


def _noise(gain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise with the spectrum ``gain``, one row per recording, with mean square 1."""
    waves = rng.standard_normal((*gain.shape, 2)).view(np.complex128)[..., 0]
    noise = np.fft.irfft(gain * waves, RECORDING_SAMPLES)
    return noise / noise.std(axis=1, keepdims=True)


def _spike_wave(recordings: int, rng: np.random.Generator) -> np.ndarray:
    """Bursts of spikes each followed by a slow wave, about three per second, with mean square 1.

    A seizure slows down over time. Between the bursts the discharges almost stop.
    """
    from scipy.special import expit

    start = Varying(3.2, 0.06).draw(rng, recordings)
    slowing = np.linspace(1.0, 0.88, RECORDING_SAMPLES)
    cycles = np.cumsum(start * slowing / RATE, axis=1) + rng.random((recordings, 1))
    cycles += 0.04 * _slow(0.8, recordings, rng)  # the intervals between discharges vary
    phase = cycles % 1.0
    spike = np.exp(-(((phase - 0.12) / 0.035) ** 2) / 2)
    wave = np.where(phase > 0.2, np.sin(np.pi * (phase - 0.2) / 0.8) ** 2, 0.0)
    train = 1.4 * spike - Varying(0.9, 0.2).draw(rng, recordings) * wave
    train -= train.mean(axis=1, keepdims=True)
    burst = expit(6 * (_slow(0.15, recordings, rng) + 1.1))
    train *= 0.1 + 0.9 * burst
    return train / train.std(axis=1, keepdims=True)


def _slow(cutoff: float, recordings: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise below a cutoff frequency in Hz, with mean square 1."""
    frequencies = np.fft.rfftfreq(RECORDING_SAMPLES, 1 / RATE)
    gain = np.broadcast_to(np.exp(-((frequencies / cutoff) ** 2)), (recordings, len(frequencies)))
    return _noise(gain, rng)
