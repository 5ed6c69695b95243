"""Mean, standard deviations and interval over folds and seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kerasnets.studies.spread import measure_spread

NAN = float("nan")


def test_folds_and_seeds():
    values = np.array([[1.0, 3.0], [4.0, 8.0], [9.0, 11.0]])
    spread = measure_spread("mae", values, 0.5)
    means = np.array([2.0, 6.0, 10.0])
    assert spread.mean == 6.0
    assert spread.sd_folds == pytest.approx(4.0)
    # Inside the folds: squares of ±1, ±2 and ±1, with one degree of freedom each.
    assert spread.sd_seeds == pytest.approx(np.sqrt((2 + 8 + 2) / 3))
    error = np.sqrt((1 / 3 + 0.5) * means.var(ddof=1))
    assert (spread.low, spread.high) == pytest.approx(stats.t.interval(0.95, 2, 6.0, error))
    assert spread.runs == 6


def test_seeds_do_not_make_the_interval_over_folds_narrower():
    few = np.array([[1.0], [2.0], [4.0]])
    one, ten = measure_spread("mae", few, 0.25), measure_spread("mae", np.repeat(few, 10, 1), 0.25)
    assert (one.low, one.high) == pytest.approx((ten.low, ten.high))
    assert one.sd_seeds is None
    assert ten.sd_seeds == 0


def test_seeds_of_a_single_split():
    values = np.array([[1.0, 2.0, 4.0, 5.0]])
    spread = measure_spread("log_loss", values, 0.3)
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values[0]))
    assert (spread.low, spread.high) == pytest.approx(expected)
    assert spread.sd_folds is None
    assert spread.sd_seeds == pytest.approx(values.std(ddof=1))


def test_a_single_run_has_no_interval():
    spread = measure_spread("mae", np.array([[2.0]]), 0.3)
    assert (spread.mean, spread.runs) == (2.0, 1)
    assert {spread.sd_folds, spread.sd_seeds, spread.low, spread.high} == {None}


def test_failed_runs_and_undefined_metrics_are_left_out():
    values = np.array([[1.0, NAN], [NAN, NAN], [5.0, 7.0]])
    spread = measure_spread("mae", values, 0.0)
    assert spread.mean == (1 + 6) / 2
    assert spread.sd_folds == pytest.approx(np.std([1, 6], ddof=1))
    assert spread.sd_seeds == pytest.approx(np.sqrt(2))
    assert spread.runs == 3
    nothing = measure_spread("mae", np.full((2, 2), NAN), 0.0)
    assert (nothing.mean, nothing.runs) == (None, 0)
    # Only one fold is left: its seeds say nothing about other data.
    one_left = measure_spread("mae", np.array([[1.0, 2.0], [NAN, NAN]]), 0.0)
    assert (one_left.low, one_left.high) == (None, None)


def test_intervals_of_shares_end_at_0_and_1():
    values = np.array([[0.05], [0.5], [0.99]])
    share = measure_spread("auroc", values, 0.2)
    assert (share.low, share.high) == (0.0, 1.0)
    assert measure_spread("mae", values, 0.2).low < 0


def test_the_interval_holds_its_level_where_folds_are_correlated():
    """Means of folds with the correlation ρ that Nadeau and Bengio assume, ρ = 1 / folds."""
    rng, folds = np.random.default_rng(0), 5
    rho = 1 / folds  # the share of the test rows
    shared = np.sqrt(rho) * rng.standard_normal((1500, 1))
    values = shared + np.sqrt(1 - rho) * rng.standard_normal((1500, folds))
    found = [measure_spread("mae", row[:, None], rho / (1 - rho)) for row in values]
    covered = np.mean([spread.low <= 0 <= spread.high for spread in found])
    assert covered == pytest.approx(0.95, abs=0.02)  # three standard errors and more
