from __future__ import annotations

import subprocess
import sys

import pytest

from kerasnets.data import list_datasets, load_data
from kerasnets.data.catalogue import data_spec, register


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


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown data set 'siezure'. Did you mean 'seizure'"):
        load_data("siezure")


def test_an_unknown_split_is_answered_with_the_nearest():
    with pytest.raises(
        ValueError, match=r"'recordings'. Did you mean 'recording'.*Allowed: rec.*, row"
    ):
        load_data("seizure-simulated", split="recordings")


def test_an_unknown_option_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'recordings_per_class'"):
        load_data("seizure-simulated", recordings=5)
    with pytest.raises(ValueError, match="Unknown option of seizure 'recordings_per_class'"):
        load_data("seizure", recordings_per_class=5)


def test_the_default_split_keeps_recordings_together():
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
