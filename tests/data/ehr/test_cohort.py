"""Splits by patient, the vocabulary of the training split, and the cohort table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kerasnets.data import describe, describe_text, load_data
from kerasnets.data.ehr.cohort import Cohort, learn_vocabulary, make_dataset, split_by_patient
from kerasnets.data.ehr.simulate import simulate_cohort
from kerasnets.data.ehr.visits import VisitSequences, group_events
from kerasnets.data.tables.cells import DataError

OPTIONS = {"seed": 0, "folds": 0, "fold": 0, "min_count": 1, "source": "a test"}


def cohort(n=40, died=10, patients=None, names=("a", "b", "c")):
    """One visit per example; code a is in all examples, b in half, c only in the last."""
    subject = np.concatenate([np.arange(n), np.arange(0, n, 2), [n - 1]])
    code = np.repeat([0, 1, 2], [n, len(range(0, n, 2)), 1])
    sequences = group_events(subject, np.zeros(len(subject), int), code, subjects=n, names=names)
    groups = np.arange(n) if patients is None else patients
    return Cohort(sequences, np.arange(n) < died, groups)


@pytest.fixture(scope="module")
def simulated():
    return load_data("mortality-simulated", patients=800)


def test_a_patient_with_several_examples_is_in_one_part():
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 60, 200)
    parts = split_by_patient(np.arange(200) < 40, patients, seed=3, folds=0, fold=0)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(200))
    seen = [set(patients[rows]) for rows in parts.values()]
    assert sum(map(len, seen)) == len(set(patients))


@pytest.mark.parametrize("folds", [2, 5])
def test_every_patient_is_in_one_test_fold(folds):
    made = [
        split_by_patient(np.arange(90) < 15, np.arange(90), 1, folds, fold) for fold in range(folds)
    ]
    assert sorted(np.concatenate([parts["test"] for parts in made])) == list(range(90))
    for parts in made:
        assert sorted(np.concatenate(list(parts.values()))) == list(range(90))
        assert len(parts["validation"]) == pytest.approx(90 * (1 - 1 / folds) / 8, abs=2)


def test_splits_are_stratified_and_seeded(simulated):
    shares = [part.y.mean() for part in simulated.splits.values()]
    assert max(shares) - min(shares) < 0.01
    again, other = (load_data("mortality-simulated", patients=800, seed=s) for s in (0, 1))
    np.testing.assert_array_equal(again.test.groups, simulated.test.groups)
    assert not np.array_equal(other.test.groups, simulated.test.groups)
    assert again.checksum == other.checksum == simulated.checksum


def test_the_vocabulary_is_learned_from_the_training_split():
    """A code that is in no training visit becomes the unknown code in every split."""
    all_examples = cohort()
    dataset = make_dataset("test", all_examples, **OPTIONS)
    in_train = 39 in dataset.train.groups
    assert dataset.train.x.names == ("unknown", "a", "b", *(["c"] if in_train else []))
    other_seed = next(
        s
        for s in range(50)
        if 39 not in split_by_patient(all_examples.died, all_examples.patients, s, 0, 0)["train"]
    )
    dataset = make_dataset("test", all_examples, **{**OPTIONS, "seed": other_seed})
    for part in dataset.splits.values():
        assert part.x.names == ("unknown", "a", "b")
        unknown = part.x.code_counts()[:, 0]
        np.testing.assert_array_equal(unknown, part.groups == 39)


def test_rare_codes_become_one():
    sequences = cohort().sequences
    for min_count, names in ((1, "abc"), (2, "ab"), (20, "ab"), (21, "a"), (40, "a")):
        indices, vocabulary = learn_vocabulary(sequences, min_count)
        assert vocabulary == ("unknown", *names)
        assert indices.tolist() == [1 + names.index(c) if c in names else 0 for c in "abc"]
    with pytest.raises(
        DataError, match=r"No code is in min_count=41 .* the most frequent is in 40"
    ):
        learn_vocabulary(sequences, 41)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "folds must be 0 .* or 2 or more"),
        ({"folds": 5, "fold": 5}, r"fold must be in \[0, 4\]"),
        ({"fold": 1}, r"fold must be in \[0, 0\]"),
        ({"min_count": 0}, "min_count must be a whole number of 1 or more"),
        ({"folds": "5"}, "folds must be a whole number"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_dataset("test", cohort(), **{**OPTIONS, **options})


def test_cohorts_without_two_classes_are_refused():
    with pytest.raises(DataError, match="All 40 examples are 'alive'"):
        make_dataset("test", cohort(died=0), **OPTIONS)
    with pytest.raises(DataError, match="All 40 examples are 'died'"):
        make_dataset("test", cohort(died=40), **OPTIONS)
    none = VisitSequences(*(np.zeros(n, np.int64) for n in (0, 1, 1)), names=())
    empty = Cohort(none, np.zeros(0, bool), np.zeros(0, int), {"stays left out": 7})
    with pytest.raises(DataError, match=r"cohort is empty\. stays left out: 7"):
        make_dataset("test", empty, **OPTIONS)


def test_the_table_counts_examples_visits_and_codes(simulated):
    facts = json.loads(json.dumps(describe(simulated), allow_nan=False))
    for name, part in simulated.splits.items():
        row = facts["cohort"][name]
        assert (row["examples"], row["died"]) == (len(part), part.y.sum())
        assert row["visits"] == part.x.lengths.sum()
    assert facts["cohort"]["all"]["examples"] == sum(facts["lengths"].values()) == 800
    lengths = np.concatenate([part.x.lengths for part in simulated.splits.values()])
    assert facts["lengths"]["1"] == (lengths == 1).sum()
    assert facts["lengths"]["6–10"] == ((lengths >= 6) & (lengths <= 10)).sum()
    has = simulated.train.x.code_counts() > 0
    for code, share in facts["common_codes"].items():
        column = simulated.train.x.names.index(code)
        assert share == pytest.approx(has[:, column].mean())
    text = describe_text(simulated)
    assert "SIMULATED, not measured" in text
    assert "█" in text


def test_simulated_records_are_seeded():
    one, again, other = (simulate_cohort(50, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.sequences.codes, again.sequences.codes)
    assert not np.array_equal(one.sequences.codes, other.sequences.codes)
    with pytest.raises(ValueError, match="patients must be a whole number of 1 or more"):
        load_data("mortality-simulated", patients=0)
    with pytest.raises(ValueError, match="too few for 3 parts"):
        load_data("mortality-simulated", patients=6)


def test_conditions_persist_from_visit_to_visit():
    """If a patient has a condition, it is recorded at most visits; otherwise at none."""
    simulated = simulate_cohort(500).sequences
    kidney = [i for i, name in enumerate(simulated.names) if name.startswith("kidney")]
    dense = simulated.dense()
    has = dense["visits"][:, :, kidney].any(axis=2).sum(axis=1) / dense["length"]
    long = dense["length"] >= 8
    assert set(np.unique(has[long] > 0.5)) == {True, False}
    assert ((has[long] == 0) | (has[long] > 0.4)).mean() > 0.98
