"""How text cells became numbers is stored in the run folder and in exported files."""

from __future__ import annotations

import json

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.data import encode_table
from kerasnets.data.tables.simulate import simulate_cases


def test_raw_cells_are_encoded_as_for_the_training(tmp_path):
    data = kn.load_data("covid-simulated", rows=1_000)
    run = kn.train("covid-1", data=data, epochs=1, out=tmp_path / "run", progress=False)
    run = kn.load_run(run.folder)
    assert [column["name"] for column in run.codebook] == list(data.feature_names)
    cases = simulate_cases(1_000, 0)
    known = cases[cases["death_yn"].isin(["Yes", "No"])]
    encoded = encode_table(known, run.codebook)
    everything = np.concatenate([split.x for split in data.splits.values()])
    assert sorted(map(tuple, encoded.tolist())) == sorted(map(tuple, everything.tolist()))
    assert json.loads(run.provenance["codebook"]) == run.codebook
    with pytest.raises(ValueError, match="No column sex"):
        encode_table(known.drop(columns="sex"), run.codebook)


def test_a_table_of_numbers_has_no_codebook():
    assert kn.load_data("rain-simulated", rows=1_000).codebook == ()
