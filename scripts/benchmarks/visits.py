"""Time and memory of reading simulated tables with the full size of MIMIC-III.

    python scripts/benchmarks/visits.py [--times 1 10]

The tables have 46,520 patients, 58,976 admissions and 651,047 diagnoses, or multiples of that. Each
size is read in a separate process, to measure its own peak memory. Writing the tables is not
measured.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

PATIENTS, ADMISSIONS, DIAGNOSES = 46_520, 58_976, 651_047
CODES = 6_984


def main() -> None:
    """Write and read the tables, and print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--times", type=int, nargs="+", default=[1, 10], help="multiples of the full size"
    )
    print("size  diagnoses   read (s)  split and encode (s)  peak memory (MB)")
    for times in parser.parse_args().times:
        with tempfile.TemporaryDirectory() as folder:
            write_tables(Path(folder), times)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                read, encode, peak = pool.apply(measure, (Path(folder),))
        print(f"{times:>4}  {times * DIAGNOSES:>9,}  {read:>9.2f}  {encode:>20.2f}  {peak:>16,.0f}")


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


def measure(folder: Path) -> tuple[float, float, float]:
    """Seconds to read, seconds to split and encode, and peak memory in MB."""
    from kerasnets.data.ehr import mimic3
    from kerasnets.data.ehr.cohort import make_dataset

    files = {name: folder / f"{name}.csv" for name in ("ADMISSIONS", "DIAGNOSES_ICD", "PATIENTS")}
    start = time.perf_counter()
    cohort = mimic3.read_cohort(files)
    read = time.perf_counter() - start
    start = time.perf_counter()
    make_dataset("mimic3", cohort, seed=0, folds=0, fold=0, min_count=5, source="simulated")
    encode = time.perf_counter() - start
    return read, encode, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
