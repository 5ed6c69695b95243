"""Load one MEDS data set with every engine, and print the hashes, which must be equal.

python scripts/scale/event_engines.py --events 200_000
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from events import write_data

from kerasnets.data import load_data
from kerasnets.data.ehr.frames import ENGINES

_OPTIONS = {"numeric_bins": 4, "visit_hours": 6}  # all expressions


def main() -> None:
    """Print a line per engine; exit with 1 if two hashes differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    args = parser.parse_args()
    hashes = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_data(folder, args.events, shard=args.events // 2)
        for engine in args.engines:
            started = time.perf_counter()
            data = load_data("meds", folder, labels="labels.parquet", engine=engine, **_OPTIONS)
            hashes[engine] = data.checksum
            print(f"{engine:8} {data.checksum} {time.perf_counter() - started:6.1f} s", flush=True)
    sys.exit(0 if len(set(hashes.values())) == 1 else 1)


if __name__ == "__main__":
    main()
