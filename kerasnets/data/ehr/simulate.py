"""A simulated cohort of patients with visits; needs no files.

Each patient has a few chronic conditions. A condition is coded at most visits and has a stage from
1 to 4 that rises or falls over the visits. Acute codes are added; they say little about the
risk. The risk of death depends on the stages **at the end**: a condition that worsens is dangerous,
and one that was as bad and improved is not. Code counts are the same in both cases and cannot
distinguish them; a net that reads the visits in order can.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS, Cohort, make_dataset
from kerasnets.data.ehr.visits import NO_CODE, group_events
from kerasnets.data.options import whole_number

_CONDITIONS = ("heart failure", "kidney disease", "lung disease", "liver disease", "cancer")
_WEIGHTS = np.array([0.9, 0.8, 0.7, 0.9, 1.1])  # of each stage, in the log odds of death
_STAGES = 4
_ACUTE = 60  # acute codes, in order of falling frequency
_LONGEST = 60  # visits


@register("mortality-simulated", splits=SPLITS)
def load_mortality_simulated(
    *,
    data_dir: str | Path | None = None,
    split: str,
    seed: int,
    patients: int = 6000,
    generator_seed: int = 0,
    min_count: int = 5,
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """Simulated patients whose risk depends on the order of their visits; needs no files.

    Args:
        data_dir: not used.
        split: ``"patient"``.
        seed: seed of the split.
        patients: number of patients.
        generator_seed: seed of the records.
        min_count: see :func:`kerasnets.data.ehr.cohort.make_dataset`, also for the other options.
        folds: number of folds of a cross-validation, or 0.
        fold: number of the test fold.

    Raises:
        ValueError: if an option is out of range, or there are so few patients that a part of the
            split would lack a class.
    """
    del data_dir, split
    whole_number("patients", patients, 1)
    whole_number("generator_seed", generator_seed, 0)
    cohort = simulate_cohort(patients, generator_seed)
    source = f"simulated, not measured: {patients} patients, generator seed {generator_seed}"
    return make_dataset(
        "mortality-simulated",
        cohort,
        seed=seed,
        folds=folds,
        fold=fold,
        min_count=min_count,
        source=source,
    )


def simulate_cohort(patients: int, seed: int = 0) -> Cohort:
    """Simulate patients; the same seed returns the same records."""
    from scipy.special import expit

    rng = np.random.default_rng(seed)
    visits = _visits_per_patient(patients, rng)
    stages = _stages(patients, rng)
    has = rng.random((patients, len(_CONDITIONS))) < 0.35
    last = visits - 1
    at_end = np.take_along_axis(stages, last[:, None, None], axis=2)[..., 0]
    risk = (has * (at_end - 2) * _WEIGHTS).sum(axis=1)
    died = rng.random(patients) < expit(1.3 * risk - 2.4)

    subject, time = np.nonzero(np.arange(_LONGEST) < visits[:, None])
    events = [(subject, time, np.full(len(subject), NO_CODE))]
    for condition in range(len(_CONDITIONS)):
        coded = has[subject, condition] & (rng.random(len(subject)) < 0.85)
        code = condition * _STAGES + stages[subject, condition, time] - 1
        events.append((subject[coded], time[coded], code[coded]))
    # A few acute codes are frequent and most are rare.
    acute = rng.poisson(2.0, len(subject))
    drawn = np.minimum(rng.geometric(0.06, acute.sum()) - 1, _ACUTE - 1)
    first = len(_CONDITIONS) * _STAGES
    events.append((subject.repeat(acute), time.repeat(acute), first + drawn))
    subject, time, code = (np.concatenate(column) for column in zip(*events, strict=True))
    names = [f"{name}, stage {stage + 1}" for name in _CONDITIONS for stage in range(_STAGES)]
    names += [f"acute {number + 1}" for number in range(_ACUTE)]
    sequences = group_events(subject, time, code, subjects=patients, names=names)
    return Cohort(sequences, died, np.arange(patients), {"patients": patients})


def _visits_per_patient(patients: int, rng: np.random.Generator) -> np.ndarray:
    """Log-normal numbers of visits: mostly few, with a long tail."""
    return np.clip(np.rint(np.exp(rng.normal(1.5, 0.8, patients))), 1, _LONGEST).astype(int)


def _stages(patients: int, rng: np.random.Generator) -> np.ndarray:
    """The stage of each condition at each visit, ``(patients, conditions, visits)``.

    A stage starts at random and drifts up or down. Over many patients, the stages of those
    who worsen and those who recover are therefore the same.
    """
    shape = (patients, len(_CONDITIONS))
    start = rng.uniform(0.5, _STAGES + 0.5, shape)
    drift = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 0.9, shape)
    noise = rng.normal(0, 0.3, (*shape, _LONGEST))
    course = start[..., None] + drift[..., None] * np.arange(_LONGEST) + noise
    # Reflected at the ends, because clipping would make the first and last stage more frequent.
    span = _STAGES - 1
    folded = span - np.abs((course - 1) % (2 * span) - span)
    return np.rint(folded).astype(int) + 1
