"""``to_meds`` and ``kerasnets data --to-meds``: splits, options, the open demos, and the cache."""

from __future__ import annotations

import json
import os
import re
import shlex
from itertools import pairwise
from pathlib import Path

import meds
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from kerasnets.cli import main
from kerasnets.commands._shared import pairs
from kerasnets.data import load_data
from kerasnets.data.ehr import converted
from kerasnets.data.ehr.to_meds import to_meds
from tests.data.ehr.helpers import STAYS, eicu_tables, read_eicu, write

PAGE = Path(__file__).resolve().parents[3] / "docs" / "meds.md"


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "option"), [("eicu", {}), ("mimic3", {"min_count": 2})])
def test_the_splits_of_the_open_demos_are_those_of_their_data_sets(
    name, option, real_data_dir, tmp_path
):
    written = to_meds(name, tmp_path / "meds", real_data_dir, seed=3)
    table = pq.read_table(written.folder / meds.subject_splits_filepath)
    meds.SubjectSplitSchema.validate(table)
    part = dict(zip(*table.to_pydict().values(), strict=True))
    persons = pq.read_table(written.folder / "metadata/subjects.parquet").to_pydict()
    assert list(part) == persons["subject_id"]
    labels = pq.read_table(written.folder / written.labels_file).to_pydict()
    person = dict(zip(*persons.values(), strict=True))
    data = load_data(name, real_data_dir, seed=3, **option)
    for split, ours in zip(data.splits.values(), ("train", "tuning", "held_out"), strict=True):
        rows = [n for n, subject in enumerate(labels["subject_id"]) if part[subject] == ours]
        np.testing.assert_array_equal(np.array(labels["boolean_value"])[rows], split.y)
        assert [person[labels["subject_id"][n]] for n in rows] == split.groups.tolist()
    parts = {}
    for subject, name_of_part in part.items():
        parts.setdefault(person[subject], set()).add(name_of_part)
    assert all(len(found) == 1 for found in parts.values())


def test_the_command_converts(tmp_path, capsys):
    (tmp_path / "tables").mkdir()
    write(tmp_path / "tables", eicu_tables())
    command = ["data", "eicu", "--data-dir", str(tmp_path / "tables"), "--data-option"]
    main([*command, "splits=false", "--to-meds", str(tmp_path / "meds")])
    out = capsys.readouterr().out
    assert "14 events of 4 subjects and 3 labels written to" in out
    assert "--data-option labels=labels/death_in_hospital.parquet" in out
    main([*command, "splits=false", "--to-meds", str(tmp_path / "more"), "--json"])
    assert json.loads(capsys.readouterr().out)["subjects"] == 4
    assert not (tmp_path / "meds" / meds.subject_splits_filepath).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seizure"], "seizure.*eicu, mimic3"),
        ([], "Name the data set to convert"),
        (["eicu", "--data-option", "visit_hours=2"], "visit_hours.*window_hours"),
        (["eicu", "--data-option", "window_hours=0"], "window_hours must be a whole number of 1"),
        (["eicu", "--split", "row"], "by patient, got --split row"),
        (["eicu"], "exists"),
        (["eicu"], r"too few for 3 parts.*splits=False"),
        (["eicu", "--data-option", "fold=1"], r"fold must be in \[0, 0\]"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments, message, tmp_path, capsys):
    write(tmp_path, eicu_tables())
    target = tmp_path if message == "exists" else tmp_path / "meds"
    assert main(["data", *arguments, "--data-dir", str(tmp_path), "--to-meds", str(target)]) != 0
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv"}


def test_large_tables_are_converted_once_into_the_cache(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setattr(converted, "cache_dir", lambda: cache)
    files = write(tmp_path, eicu_tables())
    small = read_eicu(files).visits
    assert not cache.exists()
    monkeypatch.setattr(converted, "_SMALL", 0)
    for _ in range(2):
        assert read_eicu(files).visits == small
    (first,) = (cache / "meds").iterdir()
    read_eicu(files, 12)  # another task
    assert len(list((cache / "meds").iterdir())) == 2
    os.utime(files["patient"], (0, 0))  # another file
    read_eicu(files)
    assert len(list((cache / "meds").iterdir())) == 3
    assert first.is_dir()


def test_the_sequences_of_large_tables_are_the_same_and_used_again(tmp_path, monkeypatch):
    (tmp_path / "tables").mkdir()
    stays = pd.concat([STAYS] * 9)
    number = np.repeat(np.arange(9), len(STAYS))
    stays["patientunitstayid"] += 10 * number
    stays["uniquepid"] += number.astype(str)
    write(tmp_path / "tables", eicu_tables(patient=stays))
    small = load_data("eicu", tmp_path / "tables", min_count=1)
    monkeypatch.setattr(converted, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(converted, "_SMALL", 0)
    for _ in range(2):
        large = load_data("eicu", tmp_path / "tables", min_count=1)
        assert large.checksum == small.checksum
        for ours, theirs in zip(large.splits.values(), small.splits.values(), strict=True):
            np.testing.assert_array_equal(ours.x.codes, theirs.x.codes)
            np.testing.assert_array_equal(ours.groups, theirs.groups)
        monkeypatch.setattr(converted, "write_meds", None)  # not called again


@pytest.mark.real_data
def test_the_commands_of_the_page_make_the_data_set_eicu(real_data_dir, tmp_path, monkeypatch):
    """The converted demo, with the options of docs/meds.md, has the bits of ``--data eicu``."""
    text = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(kerasnets data eicu --to-meds.*?)```", text, flags=re.DOTALL)
    convert, training = map(shlex.split, block.replace("\\\n", " ").splitlines())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERASNETS_DATA", str(real_data_dir))
    assert main(convert[1:]) == 0
    given = [value for flag, value in pairwise(training) if flag == "--data-option"]
    name, folder = (training[training.index(flag) + 1] for flag in ("--data", "--data-dir"))
    found = load_data(name, folder, **pairs(given))
    ours = load_data("eicu", real_data_dir)
    assert found.train.x.names == ours.train.x.names
    for one, other in zip(found.splits.values(), ours.splits.values(), strict=True):
        for name in ("codes", "code_offsets", "visit_offsets"):
            np.testing.assert_array_equal(getattr(one.x, name), getattr(other.x, name))
        np.testing.assert_array_equal(one.y, other.y)
        np.testing.assert_array_equal(one.groups, other.groups)
