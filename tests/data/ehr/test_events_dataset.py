"""Mapped shards are stored and used again; sequences are opened memory-mapped."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from meds_testing_helpers import rvs
from meds_testing_helpers.dataset import MEDSDataset
from meds_testing_helpers.dataset_generator import MEDSDataDFGenerator, MEDSDatasetGenerator
from meds_testing_helpers.static_sample_data import exported_yamls

from kerasnets._temporary import locked
from kerasnets.data import load_data
from kerasnets.data.ehr import event_blocks, event_shards, events_dataset
from kerasnets.data.ehr.event_shards import MappedShard
from tests.data.ehr.meds_helpers import (
    PARENTS,
    by_subject,
    in_python,
    random_events,
    random_labels,
    sequences_of,
    table,
    write,
)

ROOT = Path(__file__).resolve().parents[3]


def load(folder, **options):
    return load_data("meds", folder, **{"labels": "labels.parquet", "min_count": 1} | options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    labels = table(random_labels(1))
    return write(tmp_path_factory.mktemp("meds"), by_subject(random_events(1), 4), labels, PARENTS)


@pytest.fixture
def mapped(monkeypatch):
    """The files of the shards that are mapped."""
    paths, original = [], event_shards.map_shard

    def record(shard, blocks, rules):
        paths.append(shard.path.name)
        return original(shard, blocks, rules)

    monkeypatch.setattr(event_shards, "map_shard", record)
    return paths


def test_stored_sequences_are_memory_mapped_and_used_again(folder, tmp_path, mapped):
    expected = load(folder)
    made = load(folder, cache_dir=tmp_path)
    assert len(mapped) == 8
    assert made.options["cache_dir"] == str(tmp_path)  # can be saved as JSON
    again = load(folder, cache_dir=str(tmp_path))
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o700]
    assert len(mapped) == 8
    for data in (made, again):
        assert data.checksum == expected.checksum
        assert data.counts == expected.counts
        for name, part in data.splits.items():
            assert isinstance(part.x.codes, np.memmap)
            assert not part.x.codes.flags.writeable
            for array, other in zip(part.x.content, expected.splits[name].x.content, strict=True):
                np.testing.assert_array_equal(array, other)
    # Another vocabulary or split needs no events.
    other = load(folder, cache_dir=tmp_path, seed=1, min_count=20)
    assert len(mapped) == 8
    assert other.train.x.features < made.train.x.features
    assert load(folder, seed=1, min_count=20).checksum == other.checksum == made.checksum


def test_several_processes_may_load_the_same_data(folder, tmp_path):
    """The first makes the sequences, and the others wait for it; the next only open them."""
    options = {"labels": "labels.parquet", "min_count": 1, "cache_dir": str(tmp_path)}
    code = (
        "from kerasnets.data import load_data\n"
        f"print(load_data('meds', {str(folder)!r}, **{options}).checksum)"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    expected = load(folder).checksum
    assert [child.communicate(timeout=300)[0].strip() for child in children] == [expected] * 2
    (work,) = tmp_path.iterdir()
    with locked(work):
        assert load(folder, cache_dir=tmp_path).checksum == expected


def test_large_data_are_stored_in_the_cache_of_the_user(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(events_dataset, "SMALL", 0)
    monkeypatch.setattr(events_dataset, "user_cache", lambda: tmp_path)
    data = load(folder)
    assert isinstance(data.train.x.codes, np.memmap)
    assert Path(data.train.x.codes.filename).is_relative_to(tmp_path / "meds")


def test_changed_files_and_rules_are_mapped_anew(folder, tmp_path, mapped):
    load(folder, cache_dir=tmp_path)
    load(folder, cache_dir=tmp_path, visit_hours=2)
    assert len(mapped) == 8
    (folder / "data" / "0.parquet").touch()
    load(folder, cache_dir=tmp_path)
    assert len(mapped) == 12


@pytest.mark.parametrize("fails", [0, 2, 3])
def test_an_interrupted_load_resumes_at_its_shard(folder, tmp_path, mapped, monkeypatch, fails):
    def save(shard, path, original=MappedShard.save):
        if path.name == f"{fails:05}.npz":
            raise KeyboardInterrupt
        original(shard, path)

    with monkeypatch.context() as patched:
        patched.setattr(MappedShard, "save", save)
        with pytest.raises(KeyboardInterrupt):
            load(folder, cache_dir=tmp_path)
    mapped.clear()
    data = load(folder, cache_dir=tmp_path)
    assert mapped == [f"{number}.parquet" for number in range(fails, 4)]
    assert data.checksum == load(folder).checksum


def test_an_interruption_while_the_splits_are_written_leaves_nothing_half(
    folder, tmp_path, mapped, monkeypatch
):
    def append(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("kerasnets.data.ehr.sequence_files.SequenceWriter.append", append)
        with pytest.raises(KeyboardInterrupt):
            load(folder, cache_dir=tmp_path)
    assert not list(tmp_path.rglob("about.json"))
    assert load(folder, cache_dir=tmp_path).checksum == load(folder).checksum
    assert len(mapped) == 8


def test_a_damaged_stored_shard_is_mapped_again(folder, tmp_path, mapped):
    data = load(folder, cache_dir=tmp_path)
    (path,) = tmp_path.rglob("00001.npz")
    path.write_bytes(path.read_bytes()[:-40])
    assert load(folder, cache_dir=tmp_path, min_count=2).checksum == data.checksum
    assert mapped[4:] == ["1.parquet"]


@pytest.mark.parametrize("name", ["codes", "visit_offsets"])
def test_truncated_sequences_are_refused(folder, tmp_path, name):
    load(folder, cache_dir=tmp_path)
    (path,) = tmp_path.rglob(f"test/{name}.npy")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(OSError, match=r"test is damaged .* Remove it, and load the data again"):
        load(folder, cache_dir=tmp_path)


@pytest.mark.parametrize("events", [1, 7, 100])
def test_small_blocks_of_events_give_the_same_bits(folder, monkeypatch, events):
    expected = load(folder, numeric_bins=3)
    monkeypatch.setattr(event_blocks, "MAX_EVENTS", events)
    assert load(folder, numeric_bins=3).checksum == expected.checksum
    assert load(folder, visits="encounter").checksum != expected.checksum


def test_labels_in_small_row_groups_are_found(folder, tmp_path):
    labels = table(random_labels(1))
    pq.write_table(labels, tmp_path / "unsorted.parquet", row_group_size=3)
    pq.write_table(labels.sort_by("subject_id"), tmp_path / "sorted.parquet", row_group_size=3)
    pq.write_table(labels, tmp_path / "unknown.parquet", row_group_size=3, write_statistics=False)
    for name in ("unsorted", "sorted", "unknown"):
        assert load(folder, labels=tmp_path / f"{name}.parquet").checksum == load(folder).checksum


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_all_engines_give_the_same_hashes():
    """Spark starts its own server, which ends with the process."""
    script = ROOT / "scripts" / "scale" / "event_engines.py"
    command = [sys.executable, str(script), "--events", "20000", "--engines", "polars", "pyspark"]
    # Compiles less, which a few small queries are not worth.
    fast = "--driver-java-options -XX:TieredStopAtLevel=1 --conf spark.sql.codegen.wholeStage=false"
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        env=os.environ | {"PYSPARK_SUBMIT_ARGS": f"{fast} pyspark-shell"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    engines, hashes, *_ = zip(*map(str.split, result.stdout.splitlines()), strict=True)
    assert engines == ("polars", "pyspark")
    assert len(set(hashes)) == 1


def test_the_measurement_of_scale_runs():
    script = ROOT / "scripts" / "scale" / "events.py"
    command = [sys.executable, str(script), "--events", "20000", "40000", "--shard", "20000"]
    result = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=300, cwd=ROOT
    )
    assert "| 20,000 | 100 |" in result.stdout
    assert "2.0 times the subjects: " in result.stdout


def test_the_sample_of_meds_testing_helpers(tmp_path):
    sample = exported_yamls["SIMPLE_STATIC_SHARDED_BY_SPLIT_WITH_TASKS"]
    MEDSDataset.from_yaml(sample).write(tmp_path)
    data = load(tmp_path, labels="task_labels/boolean_value_task", numeric_bins=2)
    assert data.split == "given"
    assert [len(part) for part in data.splits.values()] == [13, 4, 4]
    assert data.counts["events"] == 62
    # The subject 68729 was born on 1978-03-09, and admitted on 2010-05-26 at 02:30:56.
    visits = {key[1].isoformat(): found for key, found in sequences_of(data).items()
              if key[0] == 68729}  # fmt: skip
    assert list(visits) == [f"2010-05-26T0{time}:00" for time in ("3:00", "3:30", "4:00", "4:30")]
    for static, birth, admission in visits.values():
        assert static >= {"EYE_COLOR//HAZEL", "HEIGHT"}
        assert birth == {"MEDS_BIRTH"}
        assert admission >= {"ADMISSION//PULMONARY", "HR", "LOINC/8867-4", "TEMP", "LOINC/8310-5"}


# The generator passes times with time zones to NumPy, which warns.
@pytest.mark.filterwarnings("ignore:no explicit representation of timezones")
def test_generated_data_sets_of_meds_testing_helpers(tmp_path):
    """A generated data set equals plain Python; later events change no bit."""
    data = generate(np.random.default_rng(7))
    events = [row for shard in data.data_shards.values() for row in shard.to_pylist()]
    times = {row["subject_id"]: row["time"] for row in events if row["code"].startswith("dynamic")}
    labels = [
        {"subject_id": subject, "prediction_time": time - dt.timedelta(hours=3 * (subject % 3)),
         "boolean_value": subject % 2 == 0} for subject, time in times.items()
    ]  # fmt: skip
    data.write(tmp_path / "all")
    pq.write_table(table(labels), tmp_path / "all" / "labels.parquet")
    shutil.copytree(tmp_path / "all", tmp_path / "changed")
    limits = {row["subject_id"]: row["prediction_time"] for row in labels}
    for path in (tmp_path / "changed" / "data").iterdir():
        pq.write_table(change_later(pq.read_table(path), limits), path)
    options = {"visit_hours": 1, "split": "patient", "numeric_bins": 2}
    loaded = [load(tmp_path / name, **options) for name in ("all", "changed")]
    plain = load(tmp_path / "all", visit_hours=1, split="patient")
    expected = in_python(events, labels, visit_hours=1)
    vocabulary = set(plain.train.x.names)
    assert sequences_of(plain) == {
        key: [{code if code in vocabulary else "unknown" for code in visit} for visit in visits]
        for key, visits in expected.items()
    }
    assert loaded[0].checksum == loaded[1].checksum
    for name, part in loaded[0].splits.items():
        for ours, other in zip(part.x.content, loaded[1].splits[name].x.content, strict=True):
            np.testing.assert_array_equal(ours, other)


def generate(rng):
    """A data set of 60 subjects in two shards."""
    hour = np.timedelta64(1, "h")
    day = np.datetime64("2021-01-01", "us")
    subjects = MEDSDataDFGenerator(
        birth_datetime_per_subject=rvs.DatetimeGenerator([day - 20 * 365 * 24 * hour]),
        start_data_datetime_per_subject=rvs.DatetimeGenerator([day, day + 30 * hour]),
        time_between_birth_and_data_per_subject=rvs.PositiveTimeDeltaGenerator([hour]),
        time_between_data_and_death_per_subject=rvs.PositiveTimeDeltaGenerator([48 * hour]),
        time_between_data_events_per_subject=rvs.PositiveTimeDeltaGenerator([hour, 3 * hour]),
        num_events_per_subject=rvs.PositiveIntGenerator([1, 5, 9]),
        num_measurements_per_event=rvs.PositiveIntGenerator([1, 2, 3]),
        num_static_measurements_per_subject=rvs.PositiveIntGenerator([2]),
        frac_dynamic_code_occurrences_with_value=rvs.ProportionGenerator([0, 0.5, 0.9]),
        frac_static_code_occurrences_with_value=rvs.ProportionGenerator([0]),
        static_vocab_size=4, dynamic_vocab_size=8, frac_subjects_with_death=0.5,
    )  # fmt: skip
    return MEDSDatasetGenerator(subjects, shard_size=30).sample(60, rng)


def change_later(shard, limits):
    """The events, with those after the prediction replaced by twice as many others."""
    rows = shard.to_pylist()
    early = [row for row in rows if row["time"] is None
             or row["time"] <= limits.get(row["subject_id"], row["time"])]  # fmt: skip
    later = [row | {"code": "LATER", "numeric_value": 1e6} for row in rows if row not in early]
    assert later
    return pa.Table.from_pylist([*early, *later, *later], schema=shard.schema)
