"""``kerasnets reproduce``: what the sources state, and what we get."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from kerasnets.commands._shared import json_flag, print_json

EXAMPLES = """\
  kerasnets reproduce --data-dir FOLDER          everything; hours where the real data are there
  kerasnets reproduce counts rain                some parts
  kerasnets reproduce --quick                    one epoch each, to see that everything works
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument(
        "parts", nargs="*", metavar="PART",
        help="counts, by-hand, seizure, mortality, digits, covid, rain, principles, search; "
        "all by default",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path,
        help="folder, in which finished work is kept; default: runs/reproduce, or "
        "runs/reproduce-quick",
    )  # fmt: skip
    parser.add_argument("--data-dir", type=Path, help="where the real data sets are")
    parser.add_argument(
        "--quick", action="store_true", help="train for one epoch only; the table says so"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress of each training")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    from kerasnets.studies.reproduce import reproduce
    from kerasnets.studies.results import results_text

    out = arguments.out or Path("runs") / f"reproduce{'-quick' if arguments.quick else ''}"
    results, seconds = reproduce(
        arguments.parts,
        out=out,
        data_dir=arguments.data_dir,
        quick=arguments.quick,
        progress=not arguments.quiet,
    )
    if arguments.json:
        rows = [dataclasses.asdict(row) for row in results]
        print_json({"folder": str(out), "results": rows, "seconds": seconds})
    else:
        print(results_text(results, seconds))
    print(out, file=sys.stderr)
