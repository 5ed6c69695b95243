"""Simulated tables in the format of the COVID-19 cases and the rain data; no files needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.options import whole_number
from kerasnets.data.tables.covid import OUTCOME, covid_dataset
from kerasnets.data.tables.rain import rain_dataset

if TYPE_CHECKING:
    import pandas as pd

# Minimum, maximum, mean and variance of each column, as printed in S3.
RAIN_STATISTICS = (
    (193.0, 253.0, 241.79722, 82.694562),
    (190.0, 250.5, 228.22826, 90.957395),
    (214.97, 252.5, 241.796298, 35.725580),
    (205.42, 252.5, 233.649299, 95.260854),
    (10.0, 17130.0, 2867.97959, 10619418.044),
    (0.0, 12338.0, 884.073295, 3257029.8456),
    (0.0, 9238.0, 173.553355, 740656.13362),
    (0.0, 35.796, 3.047196, 7.422443),
    (0.68146, 19.899, 6.351967, 6.332299),
    (0.0, 11.368, 1.925232, 4.284487),
    (0.0, 21.466, 4.293793, 4.046841),
    (0.0, 14.745, 2.809472, 1.982183),
    (1.0074, 278.71, 10.367915, 166.679252),
    (-999.9, 782.5, 7.873345, 1410.796793),
)
_RAIN_SHARE = 0.4

_AGES = (*(f"{low} - {low + 9} Years" for low in range(0, 80, 10)), "80+ Years")
_AGE_SHARES = (0.04, 0.10, 0.19, 0.17, 0.15, 0.15, 0.10, 0.06, 0.04)
_RACES = ("White, Non-Hispanic", "Hispanic/Latino", "Black, Non-Hispanic", "Asian, Non-Hispanic",
          "Multiple/Other, Non-Hispanic", "Unknown")  # fmt: skip
_RACE_SHARES = (0.42, 0.22, 0.12, 0.03, 0.06, 0.15)
_DAYS = 330  # from the first to the last report


@register("covid-simulated", splits=("row",))
def load_simulated_covid(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    rows: int = 20_000,
    generator_seed: int = 0,
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """Simulated COVID-19 cases in the format of the CDC's file; needs no files.

    Args:
        data_dir: not used.
        split: ``"row"``.
        seed: seed of the split.
        rows: number of cases, including those with an unknown outcome.
        generator_seed: seed of the cases.
        folds: number of folds of a cross-validation, or 0 for a single split.
        fold: number of the test fold, from 0.

    Raises:
        ValueError: if there are fewer than 1,000 rows.
    """
    whole_number("rows", rows, 1000)
    whole_number("generator_seed", generator_seed, 0)
    cases = simulate_cases(rows, generator_seed)
    source = f"simulated, not measured ({rows:,} cases, seed {generator_seed})"
    return covid_dataset("covid-simulated", cases, source, seed, folds=folds, fold=fold)


@register("rain-simulated", splits=("row",))
def load_simulated_rain(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    rows: int = 20_000,
    generator_seed: int = 0,
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """Simulated rain data with the column statistics that S3 prints.

    Args:
        data_dir: not used.
        split: ``"row"``.
        seed: seed of the split.
        rows: number of rows; S3 has 200,000.
        generator_seed: seed of the rows.
        folds: number of folds of a cross-validation, or 0 for a single split.
        fold: number of the test fold, from 0.

    Raises:
        ValueError: if there are fewer than 1,000 rows.
    """
    whole_number("rows", rows, 1000)
    whole_number("generator_seed", generator_seed, 0)
    x, y = simulate_rain(rows, generator_seed)
    source = f"simulated, not measured ({rows:,} rows, seed {generator_seed})"
    return rain_dataset("rain-simulated", x, y, source, seed, folds, fold)


def simulate_cases(rows: int, seed: int = 0) -> pd.DataFrame:
    """Simulate cases as text, in the columns of the CDC's file with the outcome last.

    Death is more likely with age, in hospital and intensive care, with other illnesses and for
    men, and becomes less likely over the year. Nothing is fitted to real cases.
    """
    import pandas as pd
    from scipy.special import expit

    rng = np.random.default_rng(seed)
    age = rng.choice(len(_AGES), rows, p=_AGE_SHARES)
    male = rng.random(rows) < 0.48
    ill = rng.random(rows) < expit(-3.2 + 0.5 * age)
    day = np.floor(_DAYS * rng.beta(2.5, 1.2, rows))
    hospital = rng.random(rows) < expit(-4.9 + 0.45 * age + 0.9 * ill + 0.2 * male)
    intensive = hospital & (rng.random(rows) < 0.25)
    risk = -8.1 + 0.85 * age + 1.9 * hospital + 1.7 * intensive + 0.5 * ill + 0.4 * male
    died = rng.random(rows) < expit(risk - 0.8 * day / _DAYS)
    onset = day - rng.poisson(4, rows)
    cells = {
        "cdc_case_earliest_dt": _dates(np.minimum(day, onset)),
        "cdc_report_dt": _dates(day),
        "pos_spec_dt": _replace(_dates(day - rng.poisson(2, rows)), "", 0.6, rng),
        "onset_dt": _replace(_dates(onset), "", 0.45, rng),
        "current_status": _replace(
            np.full(rows, "Laboratory-confirmed case"), "Probable Case", 0.07, rng
        ),
        "sex": _replace(np.where(male, "Male", "Female"), "Unknown", 0.01, rng),
        "age_group": _replace(np.array(_AGES)[age], "Missing", 0.005, rng),
        "race_ethnicity_combined": rng.choice(_RACES, rows, p=_RACE_SHARES),
        "hosp_yn": _replace(_yes_no(hospital), "Missing", 0.25, rng),
        "icu_yn": _replace(_yes_no(intensive), "Missing", 0.6, rng),
        "medcond_yn": _replace(_yes_no(ill), "Missing", 0.6, rng),
        OUTCOME: _replace(_replace(_yes_no(died), "Missing", 0.3, rng), "Unknown", 0.1, rng),
    }
    return pd.DataFrame({name: column.astype(object) for name, column in cells.items()})


def simulate_rain(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Simulate measurements, float64, shape ``(rows, 14)``, and labels 0 and 1.

    Each column follows the beta distribution with the minimum, maximum, mean and variance printed
    in S3, and contains the minimum and the maximum. Columns are correlated in groups. Rain depends
    on chance and on interactions between columns. Only a deep enough tree can represent these
    interactions.
    """
    from scipy.special import expit
    from scipy.stats import beta

    rng = np.random.default_rng(seed)
    features = len(RAIN_STATISTICS)
    shared = rng.standard_normal((rows, 3))
    loading = rng.uniform(0.4, 0.8, features) * np.repeat([1, -1, 1, 1], [4, 3, 5, 2])
    group = np.repeat([0, 1, 2], [4, 3, 7])
    z = loading * shared[:, group] + np.sqrt(1 - loading**2) * rng.standard_normal((rows, features))
    ranks = z.argsort(axis=0).argsort(axis=0)
    # Evenly spaced quantiles: the statistics then hold for any number of rows, not only on average.
    quantiles = (np.arange(rows) + 0.5) / rows
    columns = []
    for column, (low, high, mean, variance) in enumerate(RAIN_STATISTICS):
        centre, spread = (mean - low) / (high - low), variance / (high - low) ** 2
        concentration = centre * (1 - centre) / spread - 1
        values = beta.ppf(quantiles, concentration * centre, concentration * (1 - centre))
        values[[0, -1]] = 0, 1
        columns.append(low + (high - low) * values[ranks[:, column]])
    signal = 0.5 * z[:, 8] - 0.4 * z[:, 0] + 0.7 * np.sign(z[:, 4]) * z[:, 10]
    signal += 0.5 * np.cos(2 * z[:, 7]) + 0.4 * z[:, 12] * (z[:, 3] > 0.3)
    odds = 2 * (signal - np.quantile(signal, 1 - _RAIN_SHARE))
    y = (rng.random(rows) < expit(odds)).astype(np.int32)
    return np.round(np.stack(columns, axis=1), 5), y


def _dates(days: np.ndarray) -> np.ndarray:
    days = np.datetime64("2020-01-15") + days.astype("timedelta64[D]")
    return np.char.replace(np.datetime_as_string(days), "-", "/")


def _yes_no(values: np.ndarray) -> np.ndarray:
    return np.where(values, "Yes", "No")


def _replace(texts: np.ndarray, other: str, share: float, rng: np.random.Generator) -> np.ndarray:
    """The texts, with a random share of them replaced by another."""
    return np.where(rng.random(len(texts)) < share, other, texts)
