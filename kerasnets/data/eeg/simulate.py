"""Simulated EEG in the form of the Bonn recordings, for where the real files are not at hand.

Every recording is one continuous signal, with its own amplitudes, frequencies and slope, that is
cut into rows like a real one; rows of a recording therefore resemble each other, and a split by
row flatters here too. The five kinds differ as physiology says: spike-and-wave at 3 Hz in the
seizure, slow focal activity over the tumour, alpha at 10 Hz behind closed eyes, and a 1/f
background everywhere, steeper inside the skull than on the scalp, where muscles add to it.
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

_BAND = (0.53, 40.0)  # Hz, the band the Bonn recordings were filtered to
_CLIP = 2047  # µV, the range of their converter


@dataclass(frozen=True)
class Varying:
    """A positive quantity that varies between recordings: log-normal about its median."""

    median: float
    spread: float

    def draw(self, rng: np.random.Generator, recordings: int) -> np.ndarray:
        """One value a recording, shape ``(recordings, 1)``."""
        return self.median * np.exp(self.spread * rng.standard_normal((recordings, 1)))


@dataclass(frozen=True)
class Rhythm:
    """A band-limited oscillation that waxes and wanes.

    Attributes:
        frequency: its centre, Hz.
        width: standard deviation of its band, Hz.
        amplitude: root mean square, µV.
    """

    frequency: Varying
    width: float
    amplitude: Varying


@dataclass(frozen=True)
class Physiology:
    """What one kind of recording is made of; amplitudes are root mean squares in µV.

    Attributes:
        background: amplitude of the 1/f background.
        slope: its power falls with the frequency to this power.
        muscle: amplitude of the flat spectrum of muscles and amplifier.
        rhythms: oscillations on top.
        spike_wave: amplitude of bursts of 3 Hz spike-and-wave, if there are any.
    """

    background: Varying
    slope: Varying
    muscle: Varying
    rhythms: tuple[Rhythm, ...]
    spike_wave: Varying | None = None


_DELTA, _THETA, _ALPHA, _BETA = (
    Varying(2.2, 0.25), Varying(5.5, 0.15), Varying(10.0, 0.07), Varying(20.0, 0.15),
)  # fmt: skip

# In the order of the class names. Inside the skull: the first three; on the scalp: the others.
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
    """Simulated EEG of the same five kinds and the same form; needs no files.

    Args:
        data_dir: not used.
        split: ``"recording"`` or ``"row"``.
        seed: the seed of the split.
        recordings_per_class: recordings of each kind, 23 rows each; 100 in the real data.
        generator_seed: the seed of the signals. Another one gives other data.
        folds: as in :func:`~kerasnets.data.eeg.bonn.make_dataset`; so are ``fold`` and ``classes``.
        fold: which of the folds tests.
        classes: 5, or 2 for seizure against the rest.
        samples: of each example, as in :func:`kerasnets.data.eeg.bonn.make_dataset`, and so is
            ``step``: windows of the recordings.
        step: samples from one training window to the next.

    Raises:
        ValueError: if an option is out of range; ``recordings_per_class`` must be 3 or more, one
            for each part of a split.
    """
    if not isinstance(recordings_per_class, int) or recordings_per_class < 3:
        raise ValueError(
            "recordings_per_class must be a whole number of 3 or more, one for each of train, "
            f"validation and test, got {recordings_per_class!r}."
        )
    signals = simulate_recordings(recordings_per_class, generator_seed)
    kinds = len(signals)
    rows = Rows(
        x=signals[..., : CHUNKS * SAMPLES].reshape(-1, SAMPLES),
        y=np.arange(kinds, dtype=np.int32).repeat(recordings_per_class * CHUNKS),
        recordings=np.arange(kinds * recordings_per_class).repeat(CHUNKS),
        chunks=np.tile(np.arange(CHUNKS), kinds * recordings_per_class),
    )
    source = (
        f"simulated, not measured: {recordings_per_class} recordings of each kind, "
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
    """Simulate continuous recordings of every kind.

    Args:
        recordings_per_class: how many of each kind.
        seed: the same seed gives the same signals.

    Returns:
        Whole µV, float32, shape ``(5, recordings_per_class, 4097)``, at 173.61 Hz; the kinds in
        the order of the class names.
    """
    streams = np.random.default_rng(seed).spawn(len(CLASS_NAMES))
    signals = [
        _signal(kind, recordings_per_class, rng)
        for kind, rng in zip(PHYSIOLOGY, streams, strict=True)
    ]
    return np.clip(np.rint(signals), -_CLIP, _CLIP).astype(np.float32)


def _signal(kind: Physiology, recordings: int, rng: np.random.Generator) -> np.ndarray:
    """Recordings of one kind in µV, shape ``(recordings, 4097)``."""
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
    """Gaussian noise with the spectrum of ``gain``, a recording a row, of mean square 1."""
    waves = rng.standard_normal((*gain.shape, 2)).view(np.complex128)[..., 0]
    noise = np.fft.irfft(gain * waves, RECORDING_SAMPLES)
    return noise / noise.std(axis=1, keepdims=True)


def _spike_wave(recordings: int, rng: np.random.Generator) -> np.ndarray:
    """Bursts of spikes each followed by a slow wave, about three a second, of mean square 1.

    A seizure slows as it goes on. Between the bursts the discharges all but stop.
    """
    start = Varying(3.2, 0.06).draw(rng, recordings)
    slowing = np.linspace(1.0, 0.88, RECORDING_SAMPLES)
    cycles = np.cumsum(start * slowing / RATE, axis=1) + rng.random((recordings, 1))
    cycles += 0.04 * _slow(0.8, recordings, rng)  # no two discharges come quite alike
    phase = cycles % 1.0
    spike = np.exp(-(((phase - 0.12) / 0.035) ** 2) / 2)
    wave = np.where(phase > 0.2, np.sin(np.pi * (phase - 0.2) / 0.8) ** 2, 0.0)
    train = 1.4 * spike - Varying(0.9, 0.2).draw(rng, recordings) * wave
    train -= train.mean(axis=1, keepdims=True)
    burst = 1 / (1 + np.exp(-6 * (_slow(0.15, recordings, rng) + 1.1)))
    train *= 0.1 + 0.9 * burst
    return train / train.std(axis=1, keepdims=True)


def _slow(cutoff: float, recordings: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise below a frequency in Hz, of mean square 1."""
    frequencies = np.fft.rfftfreq(RECORDING_SAMPLES, 1 / RATE)
    gain = np.broadcast_to(np.exp(-((frequencies / cutoff) ** 2)), (recordings, len(frequencies)))
    return _noise(gain, rng)
