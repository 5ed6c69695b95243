"""Time and memory of loading simulated tables with the full size of MIMIC-III, and its multiples.

    python scripts/benchmarks/visits.py [--times 1 10]

The tables have 46,520 patients, 58,976 admissions and 651,047 diagnoses, or multiples of that. Each
step runs in its own process, to measure its own peak memory: converting to MEDS, and reading events
as sequences, split and encoded. The last column is the memory of the process without data: imports
alone. Writing the tables is not measured.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

PATIENTS, ADMISSIONS, DIAGNOSES = 46_520, 58_976, 651_047
CODES = 6_984
_ROW = "{:>4}  {:>10}  {:>11}  {:>12}  {:>8}  {:>9}  {:>12}"


def main() -> None:
    """Write and load the tables, and print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--times", type=int, nargs="+", default=[1, 10], help="multiples of the full size"
    )
    parser.add_argument("--folder", type=Path, help="folder for the tables; a temporary one")
    arguments = parser.parse_args()
    print(_ROW.format("size", "diagnoses", "convert (s)", "peak (MB)", "load (s)", "peak (MB)",
                      "imports (MB)"))  # fmt: skip
    for times in arguments.times:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            tables = Path(folder)
            write_tables(tables, times)
            convert, convert_peak, imports = in_new_process(convert_tables, tables)
            load, load_peak, _ = in_new_process(load_meds, tables)
        cells = (f"{times * DIAGNOSES:,}", f"{convert:.2f}", f"{convert_peak:,.0f}",
                 f"{load:.2f}", f"{load_peak:,.0f}", f"{imports:,.0f}")  # fmt: skip
        print(_ROW.format(times, *cells), flush=True)


def in_new_process(function: object, folder: Path) -> tuple[float, float, float]:
    """Seconds of a function, and the peak memory in MB with it and before it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (function, folder))


def measure(function: object, folder: Path) -> tuple[float, float, float]:
    """Run a function in this process."""
    import polars  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import kerasnets.data.ehr.converted  # noqa: F401

    before, start = peak_memory(), time.perf_counter()
    function(folder)  # type: ignore[operator]
    return time.perf_counter() - start, peak_memory(), before


def peak_memory() -> float:
    """The largest memory of this process so far, in MB.

    ``getrusage`` would also count the process that it was started by.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def convert_tables(folder: Path) -> None:
    """Convert the tables to MEDS."""
    from kerasnets.data.ehr.to_meds import to_meds

    to_meds("mimic3", folder / "meds", folder, splits=False)


def load_meds(folder: Path) -> None:
    """Read the events as sequences, with the rules of mimic3."""
    from kerasnets.data.ehr.cohort import CLASS_NAMES
    from kerasnets.data.ehr.event_task import EventTask
    from kerasnets.data.ehr.events_dataset import load_events
    from kerasnets.data.ehr.meds_files import find_meds
    from kerasnets.data.ehr.mimic3 import RULES

    task = EventTask("mimic3", find_meds(folder / "meds", "labels"), RULES, class_names=CLASS_NAMES)
    load_events(task, cache_dir=folder / "sequences")


def write_tables(folder: Path, times: int) -> None:
    """Write tables with the columns that are read, in upper case as in the full data set."""
    rng = np.random.default_rng(0)
    patients, admissions = times * PATIENTS, times * ADMISSIONS
    subject = np.arange(patients)
    death = pd.Timestamp("2150-01-01") + pd.to_timedelta(rng.integers(0, 30_000, patients), "D")
    dead = rng.random(patients) < 0.34
    pd.DataFrame(
        {"SUBJECT_ID": subject, "DOD": death.where(dead).strftime("%Y-%m-%d %H:%M:%S")}
    ).to_csv(folder / "PATIENTS.csv", index=False)
    who = np.concatenate([subject, rng.integers(0, patients, admissions - patients)])
    minutes = rng.integers(0, 50 * 525_600, admissions)
    admitted = pd.Timestamp("2100-01-01") + pd.to_timedelta(minutes, "min")
    left = admitted + pd.to_timedelta(rng.integers(600, 30_000, admissions), "min")
    pd.DataFrame(
        {
            "SUBJECT_ID": who,
            "HADM_ID": np.arange(admissions),
            "ADMITTIME": admitted.strftime("%Y-%m-%d %H:%M:%S"),
            "DISCHTIME": left.strftime("%Y-%m-%d %H:%M:%S"),
            "HOSPITAL_EXPIRE_FLAG": (rng.random(admissions) < 0.1).astype(int),
        }
    ).to_csv(folder / "ADMISSIONS.csv", index=False)
    code = np.minimum(rng.geometric(0.002, times * DIAGNOSES), CODES) + 10_000
    hadm = rng.integers(0, admissions, times * DIAGNOSES)
    pd.DataFrame({"HADM_ID": hadm, "ICD9_CODE": code}).to_csv(
        folder / "DIAGNOSES_ICD.csv", index=False
    )


if __name__ == "__main__":
    main()
