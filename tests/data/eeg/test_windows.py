from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data import load_data
from kerasnets.data.eeg.bonn import CHUNKS, RECORDING_SAMPLES, SAMPLES
from kerasnets.data.eeg.simulate import simulate_recordings
from kerasnets.data.eeg.windows import cut_windows, join_rows

LONGEST = CHUNKS * SAMPLES
OPTIONS = {"recordings_per_class": 3}


def load(**options):
    return load_data("seizure-simulated", **OPTIONS, **options)


def test_rows_in_any_order_are_joined_to_their_recordings():
    recordings = np.arange(2 * 12.0).reshape(2, 12)
    rows = recordings.reshape(6, 4)
    groups, chunks = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2])
    order = np.random.default_rng(0).permutation(6)
    assert np.array_equal(join_rows(rows[order], groups[order], chunks[order]), recordings)


@pytest.mark.parametrize(("chunks", "times"), [([0, 1, 0, 0], 2), ([0, 2, 0, 1], 0)])
def test_incomplete_recordings_are_refused(chunks, times):
    with pytest.raises(ValueError, match=rf"has chunk . of . {times} times"):
        join_rows(np.zeros((4, 2)), np.array([0, 0, 1, 1]), np.array(chunks))


def test_windows_start_a_step_apart_and_end_within_the_recording():
    y, groups = np.array([1, 1, 0, 0], np.int32), np.array([2, 2, 0, 0])
    cut = cut_windows(y, groups, np.arange(30.0).reshape(3, 10), samples=4, step=3)
    starts = [0, 3, 6, 20, 23, 26]  # of recordings 0 and 2; 9 would end after the recording
    assert cut.x.tolist() == [[float(start + place) for place in range(4)] for start in starts]
    assert cut.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert cut.y.dtype == np.int32
    assert cut.groups is not None
    assert cut.groups.tolist() == [0, 0, 0, 2, 2, 2]


def test_every_window_is_an_excerpt_of_a_recording_of_its_part():
    plain, cut = load(), load(samples=500, step=250)
    signals = simulate_recordings(3)[..., :LONGEST].reshape(-1, LONGEST)
    for name, part in cut.splits.items():
        step = 250 if name == "train" else 500
        per_recording = 1 + (LONGEST - 500) // step
        assert part.groups is not None
        rows = plain.splits[name]
        assert np.array_equal(np.unique(part.groups), np.unique(rows.groups))
        assert part.x.shape == (len(np.unique(part.groups)) * per_recording, 500)
        for place, (window, label) in enumerate(zip(part.x, part.y, strict=True)):
            start = place % per_recording * step
            excerpts = signals[3 * label : 3 * label + 3, start : start + 500]
            assert (excerpts == window).all(axis=1).any()


def test_a_window_may_be_a_complete_recording():
    data = load(samples=LONGEST)
    assert [len(part) for part in data.splits.values()] == [5, 5, 5]
    assert data.train.x.shape[1] == LONGEST < RECORDING_SAMPLES


def test_windows_as_long_as_rows_are_the_rows():
    plain, cut = load(), load(step=SAMPLES)
    for name, part in cut.splits.items():
        assert sorted(map(bytes, part.x)) == sorted(map(bytes, plain.splits[name].x))
    assert plain.checksum == cut.checksum


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples must be a whole number from 1 to 4094, got 0"),
        ({"samples": 4095}, "samples must be a whole number from 1 to 4094, got 4095"),
        ({"samples": 178.0}, "samples must be a whole number"),
        ({"samples": True}, "samples must be a whole number"),
        ({"step": 0}, "step must be a whole number from 1 to 4094, got 0"),
        ({"step": "all"}, "step must be a whole number"),
        ({"samples": 356, "split": "row"}, "Windows need split='recording'"),
        ({"step": 89, "split": "row"}, "Windows need split='recording'"),
    ],
)
def test_invalid_windows_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        load(**options)


@pytest.mark.real_data
def test_real_table_and_archives_have_the_same_windows(real_data_dir):
    table = load_data("seizure", real_data_dir / "seizure", samples=712, step=1424)
    archives = load_data("seizure", real_data_dir / "seizure" / "bonn", samples=712, step=1424)
    assert len(table.train) == 300 * (1 + (LONGEST - 712) // 1424)
    for one, two in zip(table.splits.values(), archives.splits.values(), strict=True):
        assert np.array_equal(one.x, two.x)
        assert np.array_equal(one.y, two.y)
