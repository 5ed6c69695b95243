"""Bootstrap intervals: seeded, with the right width and coverage, over groups."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.evaluation.bootstrap import bootstrap_intervals


def mean_of(values):
    """The mean of the values as a statistic of row weights."""
    return lambda weights: {"mean": float(np.average(values, weights=weights))}


def test_each_resample_has_the_original_number_of_groups():
    totals = []

    def total(weights):
        totals.append(weights.sum())
        return {}

    assert bootstrap_intervals(total, 7, resamples=20) == {}
    assert totals == [7.0] * 20


def test_rows_of_a_group_are_drawn_together():
    groups = np.array(["a", "b", "a", "c", "b", "a"])
    drawn = []

    def record(weights):
        drawn.append(weights)
        return {}

    bootstrap_intervals(record, 6, groups, resamples=50)
    for name in "abc":
        assert all(len(set(weights[groups == name])) == 1 for weights in drawn)
    groups_per_resample = [weights[0] + weights[1] + weights[3] for weights in drawn]
    assert groups_per_resample == [3.0] * 50


def test_intervals_are_percentiles_of_the_resamples():
    values = np.random.default_rng(0).normal(size=40)
    rng = np.random.default_rng(5)
    means = [values[rng.integers(0, 40, 40)].mean() for _ in range(200)]
    interval = bootstrap_intervals(mean_of(values), 40, resamples=200, seed=5)["mean"]
    assert interval == pytest.approx(np.percentile(means, [2.5, 97.5]))


def test_the_seed_decides_the_interval():
    values = np.random.default_rng(0).normal(size=40)
    one, same, other = (
        bootstrap_intervals(mean_of(values), 40, resamples=50, seed=seed) for seed in (0, 0, 1)
    )
    assert one == same != other


def test_copies_of_a_group_do_not_narrow_the_interval():
    """With four copies of each row, only the interval over rows becomes narrower, by half."""
    values = np.random.default_rng(1).normal(size=200)
    copies, groups = np.repeat(values, 4), np.repeat(np.arange(200), 4)

    def width(values, groups):
        low, high = bootstrap_intervals(mean_of(values), len(values), groups)["mean"]
        return high - low

    alone = width(values, None)
    assert width(copies, groups) == pytest.approx(alone, rel=1e-9)
    assert width(copies, None) == pytest.approx(alone / 2, rel=0.15)


def test_intervals_cover_the_true_value_in_95_percent_of_samples():
    """The mean of a uniform distribution, 300 samples of 100 rows each."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        low, high = bootstrap_intervals(mean_of(rng.random(100)), 100, resamples=200)["mean"]
        covered += low <= 0.5 <= high
    assert 0.90 <= covered / 300 <= 0.98


def test_undefined_resamples_are_left_out_for_their_metric_only():
    calls = iter(range(100))

    def statistics(weights):
        number = next(calls)
        return {"always": 1.0, "nan": np.nan} | ({"odd": float(number)} if number % 2 else {})

    intervals = bootstrap_intervals(statistics, 3, resamples=100)
    assert intervals["always"] == [1.0, 1.0]
    assert intervals["odd"] == pytest.approx(np.percentile(range(1, 100, 2), [2.5, 97.5]))
    assert "nan" not in intervals


def test_zero_resamples_return_no_intervals():
    assert bootstrap_intervals(mean_of(np.arange(3)), 3, resamples=0) == {}


def test_the_interval_of_one_row_has_no_width():
    assert bootstrap_intervals(mean_of(np.array([4.0])), 1, resamples=5) == {"mean": [4.0, 4.0]}


def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"one entry per row, shape \(3,\), got \(2,\)"):
        bootstrap_intervals(mean_of(np.arange(3)), 3, np.array([0, 1]))
