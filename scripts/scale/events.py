"""Measure time and memory of loading MEDS data sets of growing size.

Shards are generated with NumPy. Each load runs in a process of its own, and the system reports its
peak memory. The goals are 200 million events in 60 s and 1 GB on two cores, and for ten times the
subjects at most 11 times the time and 1.2 times the memory.

    python scripts/scale/events.py --events 20_000_000 200_000_000 --folder /scratch
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SHARD = 2_000_000  # events
PER_SUBJECT = 200
CODES = 5_000
_MINUTE = 60 * 10**6  # microseconds


def write_data(folder: Path, events: int, shard: int = SHARD) -> None:
    """Write a data set with labels and splits; it is written once.

    Args:
        folder: folder of the data set.
        events: number of events, rounded up to whole shards.
        shard: events per shard.
    """
    if (folder / "metadata").is_dir():
        return
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shards = -(-events // shard)
    for number in range(shards):
        pq.write_table(make_shard(number, shard), folder / "data" / f"{number}.parquet")
    subjects = np.arange(shards * (shard // PER_SUBJECT))
    rng = np.random.default_rng(1)
    times = np.full(len(subjects), 4 * 365 * 24 * 60 * _MINUTE).astype("datetime64[us]")
    labels = {"subject_id": subjects, "prediction_time": times,
              "boolean_value": rng.random(len(subjects)) < 0.1}  # fmt: skip
    pq.write_table(pa.table(labels), folder / "labels.parquet")
    split = rng.choice(["train", "tuning", "held_out"], len(subjects), p=[0.6, 0.2, 0.2])
    (folder / "metadata").mkdir()
    table = pa.table({"subject_id": subjects, "split": pa.array(split.tolist())})
    pq.write_table(table, folder / "metadata" / "subject_splits.parquet")


def make_shard(number: int, events: int) -> pa.Table:
    """Events of subjects who come to a hospital several times, sorted by subject and time."""
    rng = np.random.default_rng([0, number])
    subjects = events // PER_SUBJECT
    subject = np.repeat(np.arange(subjects) + number * subjects, PER_SUBJECT)
    away = rng.random(len(subject)) < 0.05  # months until the next event, else minutes
    gap = rng.exponential(np.where(away, 90 * 24 * 60, 30))
    minute = np.cumsum(gap.reshape(subjects, PER_SUBJECT), axis=1).ravel().astype(np.int64)
    share = 1 / np.arange(1, CODES + 1)
    code = rng.choice(CODES, len(subject), p=share / share.sum()).astype(np.int32)
    names = pa.array([f"LAB//{n:05}" if n % 2 else f"DIAGNOSIS//{n:05}" for n in range(CODES)])
    value = rng.gamma(2, 10, len(subject)).astype(np.float32).round(1)
    return pa.table(
        {
            "subject_id": subject,
            "time": pa.array((minute * _MINUTE).astype("datetime64[us]")),
            "code": pa.DictionaryArray.from_arrays(pa.array(code), names).cast(pa.string()),
            "numeric_value": pa.array(value, mask=code % 2 == 0),
        }
    )


def load(folder: Path, engine: str) -> dict[str, float | str]:
    """Load a data set in this process; its time without imports, its peak memory and its hash."""
    from kerasnets.data import load_data

    with tempfile.TemporaryDirectory(dir=folder) as cache:
        started = time.perf_counter()
        data = load_data("meds", folder, labels="labels.parquet", engine=engine, cache_dir=cache)
        seconds = time.perf_counter() - started
        return {
            "events": data.counts["events"],
            "subjects": data.counts["subjects"],
            "seconds": seconds,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
            "checksum": data.checksum,
        }


def measure(folder: Path, engine: str) -> dict[str, float | str]:
    """Load a data set in a new process."""
    command = [sys.executable, __file__, "--load", str(folder), "--engine", engine]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float | str] = json.loads(result.stdout.splitlines()[-1])
    return found


def report(results: list[dict[str, float | str]]) -> str:
    """A table, and the growth from the smallest to the largest size."""
    lines = ["| events | subjects | s | MB | million events per s |", "|---:|---:|---:|---:|---:|"]
    for row in results:
        rate = float(row["events"]) / float(row["seconds"]) / 1e6
        lines.append(
            f"| {row['events']:,} | {row['subjects']:,} | {float(row['seconds']):.1f} "
            f"| {float(row['megabytes']):.0f} | {rate:.2f} |"
        )
    if len(results) > 1:
        first, last = results[0], results[-1]
        growth = {name: float(last[name]) / float(first[name])
                  for name in ("subjects", "seconds", "megabytes")}  # fmt: skip
        lines.append(
            f"\n{growth['subjects']:.1f} times the subjects: {growth['seconds']:.1f} times the "
            f"time, {growth['megabytes']:.2f} times the memory."
        )
    return "\n".join(lines)


def main() -> None:
    """Write the data sets, load them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, nargs="+", default=[20_000_000, 200_000_000])
    parser.add_argument("--shard", type=int, default=SHARD, help="events per shard")
    parser.add_argument("--engine", default="polars")
    parser.add_argument("--folder", type=Path, help="where to keep the data sets")
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.load:
        print(json.dumps(load(args.load, args.engine)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        results = []
        for events in sorted(args.events):
            folder = (args.folder or Path(temporary)) / f"events-{events}"
            write_data(folder, events, args.shard)
            results.append(measure(folder, args.engine))
    print(report(results))


if __name__ == "__main__":
    main()
