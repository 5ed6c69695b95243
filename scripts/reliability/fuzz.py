"""Mutate the files that kerasnets reads, and compare what it loads with an independent reading.

    python scripts/reliability/fuzz.py [--mutations 10000] [--targets eicu mimic3] [--jobs 2]
    python scripts/reliability/fuzz.py --targets covid --case 4711 --keep /tmp/case

Prints a Markdown table with one row per target. A case is fine if the damaged file was refused with
a clear error (a ValueError or OSError that names the file), or if the values and labels are those
that an independent reading of the changed bytes finds. Every other case is a failure: it is printed
with its number, and the exit code is 1. The same seed and number give the same case.

Plain seeded mutations are used, not hypothesis or atheris: the formats need mutations of lines,
cells, quotes and packed content, 10,000 cases have to take minutes, and a case is so small that it
need not be shrunk.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzzing import FAILURES, OUTCOMES, Bench, Case, run_cases, targets

_SHOWN = 5  # failures per target


def main() -> int:
    """Run the targets and print the table."""
    arguments = _parse()
    known = targets()
    if arguments.list:
        print("\n".join(known))
        return 0
    names = arguments.targets or list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"Unknown target {unknown[0]!r}. Allowed: {', '.join(known)}.", file=sys.stderr)
        return 2
    if arguments.case is not None:
        return max(_repeat(name, arguments) for name in names)
    # Each target has its own worker process; the threads only wait for them.
    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(
            pool.map(lambda name: _run(name, arguments.mutations, arguments.seed), names)
        )
    print(_row(("target", "mutations", *OUTCOMES, "ms per case")))
    print(_row(("---", *("---:",) * (len(OUTCOMES) + 2))))
    for name, (counts, _, milliseconds) in zip(names, results, strict=True):
        cells = [f"{counts[outcome]:,}" for outcome in OUTCOMES]
        print(_row((name, f"{counts.total():,}", *cells, f"{milliseconds:.1f}")))
    failures = [case for _, cases, _ in results for case in cases]
    return 1 if failures else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mutations", type=int, default=1000, help="cases per target")
    parser.add_argument("--targets", nargs="+", help="names of targets; by default all")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="run this case only, and print what happened")
    parser.add_argument("--keep", type=Path, help="with --case: write the mutated files here")
    parser.add_argument("--list", action="store_true", help="print the names of the targets")
    return parser.parse_args()


def _run(name: str, mutations: int, seed: int) -> tuple[Counter[str], list[Case], float]:
    """Outcomes by number, the failures, and milliseconds per case."""
    counts: Counter[str] = Counter()
    failures: list[Case] = []
    began = time.perf_counter()
    for case in run_cases(name, range(mutations), seed):
        counts[case.outcome] += 1
        if case.outcome in FAILURES:
            failures.append(case)
            if len(failures) <= _SHOWN:
                print(_describe(case), file=sys.stderr, flush=True)
    return counts, failures, 1000 * (time.perf_counter() - began) / max(mutations, 1)


def _repeat(name: str, arguments: argparse.Namespace) -> int:
    bench = Bench(targets()[name], arguments.seed)
    try:
        if arguments.keep:
            for file, content in bench.files(arguments.case)[0].items():
                path = arguments.keep / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        case = bench.run(arguments.case)
    finally:
        bench.close()
    print(_describe(case))
    return int(case.outcome in FAILURES)


def _describe(case: Case) -> str:
    return f"{case.target} {case.number} [{case.mutation}] {case.outcome}: {case.message:.400}"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
