from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerasnets.data import as_dataset, catalogue, list_datasets, load_data
from kerasnets.data.catalogue import DataSpec, data_spec, register


def test_names_are_sorted_and_match_patterns():
    names = list_datasets()
    assert names == sorted(names)
    assert {"seizure", "seizure-simulated"} <= set(names)
    assert list_datasets("seizure*") == ["seizure", "seizure-simulated"]
    assert list_datasets("no-such-*") == []


def test_every_data_set_has_a_summary_and_a_split():
    for name in list_datasets():
        assert data_spec(name).summary
        assert data_spec(name).splits


def test_a_taken_name_is_refused():
    with pytest.raises(ValueError, match="'seizure' is already registered by load_seizure"):
        register("seizure", splits=("row",))(lambda: None)


def test_an_unknown_name_is_refused_with_similar_names():
    with pytest.raises(ValueError, match=r"Unknown data set 'siezure'. Did you mean 'seizure'"):
        load_data("siezure")


def test_an_unknown_split_is_refused_with_similar_names():
    with pytest.raises(
        ValueError, match=r"'recordings'. Did you mean 'recording'.*Allowed: rec.*, row"
    ):
        load_data("seizure-simulated", split="recordings")


def test_an_unknown_option_is_refused_with_similar_names():
    with pytest.raises(ValueError, match="Did you mean 'recordings_per_class'"):
        load_data("seizure-simulated", recordings=5)
    with pytest.raises(ValueError, match="Unknown option of seizure 'recordings_per_class'"):
        load_data("seizure", recordings_per_class=5)


def test_the_default_split_is_by_recording():
    by_default = load_data("seizure-simulated", recordings_per_class=3)
    assert by_default.split == "recording"
    assert load_data("seizure-simulated", recordings_per_class=3, split="row").split == "row"


def test_importing_and_listing_import_nothing_heavy():
    code = (
        "import sys, kerasnets.data; kerasnets.data.list_datasets();"
        "print([m for m in ('pandas', 'pooch', 'requests', 'matplotlib', 'sklearn', 'tensorflow')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_paths_and_data_sets_are_accepted_as_data():
    data = load_data("xor-simulated", points=30)
    assert as_dataset(data) is data
    assert as_dataset("digits").name == "digits"
    with pytest.raises(FileNotFoundError, match=r"no-such\.csv does not exist"):
        as_dataset(Path("no-such.csv"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "got None.*from_arrays"),
        ((np.zeros((4, 2)), np.zeros(4)), r"got tuple.*data = kn\.Dataset\.from_arrays\(x, y\)"),
        ([1, 2], "got list"),
        (np.zeros(3), "got numpy ndarray"),
        (pd.DataFrame({"a": [1]}), r"got pandas DataFrame.*from_frame\(frame, target="),
        ("siezure", "Did you mean 'seizure'"),
    ],
)
def test_other_types_are_refused_and_the_error_says_what_to_write(data, message):
    with pytest.raises(ValueError, match=message):
        as_dataset(data)


def test_missing_options_are_refused_and_errors_inside_a_loader_are_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
):
    def loader(*, data_dir, split, seed, needed):
        raise TypeError("inside the loader")

    monkeypatch.setitem(catalogue._SPECS, "mine", DataSpec("mine", loader, ("row",)))
    with pytest.raises(ValueError, match=r"mine cannot be loaded with {}: missing a required"):
        load_data("mine")
    with pytest.raises(TypeError, match="inside the loader"):
        load_data("mine", needed=1)


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, True])
def test_an_invalid_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be a whole number of 0 or more"):
        load_data("xor-simulated", seed=seed)


@pytest.mark.parametrize("name", ["xor-simulated", "rain-simulated", "mortality-simulated"])
def test_an_invalid_generator_seed_is_refused(name):
    with pytest.raises(ValueError, match="generator_seed must be a whole number of 0 or more"):
        load_data(name, generator_seed=-1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("digits", {}),
        ("xor-simulated", {"points": 60}),
        ("rain-simulated", {"rows": 1000}),
        ("covid-simulated", {"rows": 1000}),
    ],
)
def test_each_row_of_a_table_is_tested_in_one_fold(name, options):
    full = load_data(name, **options)
    folds = [load_data(name, folds=3, fold=fold, **options) for fold in range(3)]
    total = sum(map(len, full.splits.values()))
    assert sum(len(data.test) for data in folds) == total
    assert {data.checksum for data in folds} == {full.checksum}
    assert all(sum(map(len, data.splits.values())) == total for data in folds)
    assert folds[1].options == {"folds": 3, "fold": 1, **options}
