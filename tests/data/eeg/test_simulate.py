from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier

from kerasnets.data import Dataset, load_data
from kerasnets.data.eeg.bonn import CHUNKS, CLASS_NAMES, RATE, RECORDING_SAMPLES, SAMPLES
from kerasnets.data.eeg.simulate import simulate_recordings

SEIZURE, TUMOUR, HEALTHY, CLOSED, OPEN = range(5)


@pytest.fixture(scope="module")
def signals() -> np.ndarray:
    return simulate_recordings(40, seed=0)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_data("seizure-simulated")


@pytest.fixture(scope="module")
def spectra(signals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, and the mean power per class of recordings scaled to variance 1."""
    scaled = signals / signals.std(axis=-1, keepdims=True)
    power = np.abs(np.fft.rfft(scaled * np.hanning(RECORDING_SAMPLES))) ** 2
    return np.fft.rfftfreq(RECORDING_SAMPLES, 1 / RATE), power.mean(axis=1)


def band(spectra: tuple[np.ndarray, np.ndarray], low: float, high: float) -> np.ndarray:
    """Mean power density of each class between two frequencies."""
    frequencies, power = spectra
    return power[:, (frequencies >= low) & (frequencies < high)].mean(axis=1)


def test_shape_and_units(signals: np.ndarray):
    assert signals.shape == (len(CLASS_NAMES), 40, RECORDING_SAMPLES)
    assert signals.dtype == np.float32
    assert np.array_equal(signals, np.rint(signals))
    assert np.abs(signals).max() <= 2047
    assert abs(signals.mean()) < 5


def test_equal_seeds_return_equal_signals_and_different_seeds_do_not(signals: np.ndarray):
    assert np.array_equal(simulate_recordings(40, seed=0), signals)
    assert not np.array_equal(simulate_recordings(40, seed=1), signals)


def test_seizures_repeat_three_times_per_second(spectra):
    frequencies, power = spectra
    for harmonic, width in ((1, 0.6), (2, 1.0), (3, 1.4)):
        centre = 3.0 * harmonic
        peak = band(spectra, centre - width / 2, centre + width / 2)[SEIZURE]
        gaps = [
            band(spectra, centre + side - 0.2, centre + side + 0.2)[SEIZURE] for side in (-1.5, 1.5)
        ]
        assert peak > 1.8 * max(gaps)
    slow = (frequencies > 1.5) & (frequencies < 30)
    assert abs(frequencies[slow][power[SEIZURE][slow].argmax()] - 3) < 0.4


def test_spikes_make_seizures_skewed(signals: np.ndarray):
    centred = signals - signals.mean(axis=-1, keepdims=True)
    skewness = (centred**3).mean(axis=-1) / signals.std(axis=-1) ** 3
    assert np.median(skewness[SEIZURE]) > 1
    assert (np.abs(np.median(skewness[1:], axis=1)) < 0.15).all()


def test_alpha_has_a_peak_at_10_hz_with_closed_eyes(spectra):
    frequencies, power = spectra
    near = (frequencies > 6) & (frequencies < 16)
    assert abs(frequencies[near][power[CLOSED][near].argmax()] - 10) < 1
    alpha = band(spectra, 9, 11) / np.maximum(band(spectra, 6, 7.5), band(spectra, 12.5, 14))
    assert alpha[CLOSED] > 5 * alpha[OPEN]
    assert (alpha[[TUMOUR, HEALTHY]] < 1).all()


def test_the_background_decreases_as_a_power_of_the_frequency(spectra):
    frequencies, power = spectra
    # Intracranial rhythms end at 7 Hz, and muscle activity flattens the high frequencies.
    clean = (frequencies > 8) & (frequencies < 20)
    slope, _ = np.polyfit(np.log(frequencies[clean]), np.log(power[HEALTHY][clean]), 1)
    assert -2.1 < slope < -1.6


def test_the_tumour_area_has_slow_waves(spectra):
    # The background alone, with slopes from 1.6 to 2.1, would have less than 0.25.
    delta = band(spectra, 1.5, 3) / band(spectra, 0.6, 1)
    assert delta[TUMOUR] > 4 * delta[[HEALTHY, CLOSED, OPEN]].max()
    assert delta[[HEALTHY, CLOSED, OPEN]].max() < 0.25
    theta = band(spectra, 4, 7) / band(spectra, 8, 12)
    assert theta[TUMOUR] > 2 * theta[HEALTHY]


def test_muscle_activity_is_on_the_scalp_only(signals: np.ndarray):
    power = np.abs(np.fft.rfft(signals * np.hanning(RECORDING_SAMPLES))) ** 2
    frequencies = np.fft.rfftfreq(RECORDING_SAMPLES, 1 / RATE)
    fast = power[..., (frequencies > 28) & (frequencies < 38)].mean(axis=-1)
    fast = np.median(fast, axis=1)  # median over recordings, which differ in amplitude
    assert fast[[CLOSED, OPEN]].min() > 2 * fast[[TUMOUR, HEALTHY]].max()


def test_almost_no_power_outside_the_pass_band(spectra):
    assert (band(spectra, 60, 86) < 0.02 * band(spectra, 20, 40)).all()


def test_amplitudes_are_similar_to_real_ones(signals: np.ndarray):
    spread = np.median(signals.std(axis=-1), axis=1)
    assert 200 < spread[SEIZURE] < 400
    assert ((spread[1:] > 30) & (spread[1:] < 90)).all()


def test_rows_of_a_recording_resemble_each_other(signals: np.ndarray):
    rows = signals[..., : CHUNKS * SAMPLES].reshape(*signals.shape[:2], CHUNKS, SAMPLES)
    amplitude = np.log(rows.std(axis=-1))
    within = amplitude.var(axis=2).mean(axis=1)
    between = amplitude.mean(axis=2).var(axis=1)
    # If rows were independent, the means of 23 rows would vary by within / 23.
    assert (between > 5 * within / CHUNKS).all()


def test_recordings_stay_in_one_part(dataset: Dataset):
    train, validation, test = (set(part.groups.tolist()) for part in dataset.splits.values())
    assert train.isdisjoint(validation | test)
    assert validation.isdisjoint(test)
    assert [len(train), len(validation), len(test)] == [120, 40, 40]
    for part, share in zip(dataset.splits.values(), (24, 8, 8), strict=True):
        assert np.bincount(part.y).tolist() == [share * CHUNKS] * 5


def test_the_data_set_says_that_it_is_simulated(dataset: Dataset):
    assert dataset.simulated
    assert dataset.name == "seizure-simulated"
    assert "simulated, not measured" in dataset.source


def test_split_and_signals_have_separate_seeds(dataset: Dataset):
    resplit = load_data("seizure-simulated", seed=1)
    assert resplit.checksum == dataset.checksum
    assert set(map(bytes, resplit.train.x)) != set(map(bytes, dataset.train.x))
    other = load_data("seizure-simulated", generator_seed=1)
    assert other.checksum != dataset.checksum


@pytest.mark.parametrize("recordings", [2, 0, -1, 3.0, "40", True])
def test_too_few_recordings_are_refused(recordings: object):
    with pytest.raises(
        ValueError, match="recordings_per_class must be a whole number of 3 or more"
    ):
        load_data("seizure-simulated", recordings_per_class=recordings)


def band_powers(x: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(x * np.hanning(SAMPLES))) ** 2
    frequencies = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    edges = (0.5, 2, 4, 6, 8, 12, 16, 25, 40)
    bands = [
        power[:, (frequencies >= low) & (frequencies < high)].sum(axis=1)
        for low, high in itertools.pairwise(edges)
    ]
    return np.log1p(np.stack(bands, axis=1))


def test_classes_can_be_learned_but_not_by_a_linear_model(dataset: Dataset):
    train, test = dataset.train, dataset.test
    linear = LinearDiscriminantAnalysis().fit(train.x, train.y)
    assert linear.score(test.x, test.y) < 0.40  # chance is 0.20
    forest = RandomForestClassifier(200, min_samples_leaf=2, random_state=0)
    forest.fit(band_powers(train.x), train.y)
    assert 0.80 < forest.score(band_powers(test.x), test.y) < 0.93
    shares = [
        (forest.predict(band_powers(test.x[test.y == label])) == label).mean() for label in range(5)
    ]
    assert min(shares) > 0.5
