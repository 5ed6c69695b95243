"""``kerasnets verify``: exported files against Keras's own outputs, in a fresh process."""

from __future__ import annotations

import argparse
from pathlib import Path

from kerasnets.commands._shared import json_flag, print_json
from kerasnets.exporting import verify

EXAMPLES = """\
  kerasnets verify exported/seizure-cnn
  kerasnets verify exported/seizure-cnn/2 --tolerance 1e-6 --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("folder", type=Path, help="what kerasnets export made")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="largest difference allowed")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    report = verify(arguments.folder, tolerance=arguments.tolerance)
    if arguments.json:
        print_json({"ok": report.ok, "max_abs_diff": report.max_abs_diff})
    else:
        for runtime, difference in report.max_abs_diff.items():
            print(f"{runtime}: largest difference from Keras {difference:.2e}")
