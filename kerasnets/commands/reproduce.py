"""``kerasnets reproduce``: check the claims of the course reports S1–S5."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from kerasnets.commands._jobs import job_flags, job_options
from kerasnets.commands._shared import data_dir_flag, json_flag, print_json, quiet_flag

EXAMPLES = """\
  kerasnets reproduce --data-dir FOLDER    all parts; hours with the real data
  kerasnets reproduce counts rain          two parts
  kerasnets reproduce --jobs 2             two parts at a time
  kerasnets reproduce --on ray://HOST:10001 --out /shared/reproduce
  kerasnets reproduce --quick              test run: one epoch per net
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    parser.add_argument(
        "parts", nargs="*", metavar="PART",
        help="counts, by-hand, seizure, mortality, digits, covid, rain, principles, search; "
        "default: all",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER",
        help="folder of the results; finished work in it is reused; default: runs/reproduce, or "
        "runs/reproduce-quick",
    )  # fmt: skip
    data_dir_flag(parser)
    parser.add_argument(
        "--quick", action="store_true", help="test run: train for one epoch only; the table says so"
    )
    job_flags(parser)
    quiet_flag(parser)
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the parts and print the table."""
    from kerasnets.studies.reproduce import reproduce
    from kerasnets.studies.results import results_text

    out = arguments.out or Path("runs") / f"reproduce{'-quick' if arguments.quick else ''}"
    results, seconds = reproduce(
        arguments.parts,
        out=out,
        data_dir=arguments.data_dir,
        quick=arguments.quick,
        progress=not arguments.quiet,
        **job_options(arguments),
    )
    if arguments.json:
        rows = [dataclasses.asdict(row) for row in results]
        print_json({"folder": str(out), "results": rows, "seconds": seconds})
        return
    if not arguments.quiet:
        print(results_text(results, seconds))
    print(out)
