"""``kerasnets verify``: compare exported files with Keras, in a new process."""

from __future__ import annotations

import argparse
from pathlib import Path

from kerasnets.commands._shared import json_flag, print_json

EXAMPLES = """\
  kerasnets verify exported/seizure-cnn
  kerasnets verify exported/seizure-cnn/2 --tolerance 1e-6 --json
  kerasnets verify exported/seizure-cnn --test runs/seizure-cnn-1
  kerasnets verify downloads/model --timeout 60 --max-memory 2
  kerasnets verify downloads/model --public-key key.pub
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("folder", type=Path, help="a folder that kerasnets export wrote")
    parser.add_argument(
        "--tolerance", type=float, metavar="X", default=1e-5, help="largest difference allowed"
    )
    parser.add_argument(
        "--test",
        type=Path,
        metavar="RUN",
        help="a run folder: also check that the metrics on its test split are equal in every "
        "runtime",
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="FOLDER", help="folder of the data set for --test"
    )
    parser.add_argument(
        "--custom-modules",
        default="",
        metavar="NAMES",
        help="comma-separated modules with your own layers, to load a model.keras that needs them",
    )
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="KEY",
        help="first check that the owner of this key (PEM) has signed the files",
    )
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS", default=600.0,
        help="how long verification may take; default: 600",
    )  # fmt: skip
    parser.add_argument(
        "--max-memory",
        type=float,
        metavar="GIB",
        help="largest memory of the verifying process; default: 8, or 3/4 of this machine's memory",
    )
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from kerasnets.exporting import verify
    from kerasnets.training.run_data import load_run_data

    test = None
    if arguments.test:
        test = load_run_data(arguments.test, data_dir=arguments.data_dir).test
    memory = arguments.max_memory
    report = verify(
        arguments.folder,
        tolerance=arguments.tolerance,
        test=test,
        custom_modules=tuple(filter(None, arguments.custom_modules.split(","))),
        timeout=arguments.timeout,
        public_key=arguments.public_key,
        max_memory=None if memory is None else int(memory * 2**30),
    )
    if arguments.json:
        content = {"ok": report.ok, "max_abs_diff": report.max_abs_diff}
        print_json(content | {"test_metrics": report.test_metrics} if test else content)
        return
    for runtime, difference in report.max_abs_diff.items():
        print(f"{runtime}: largest difference from Keras {difference:.2e}")
    for runtime, metrics in report.test_metrics.items():
        values = [f"{key} {value:.6f}" for key, value in metrics.items() if value is not None]
        print(f"{runtime}: on the test split {', '.join(values)}")
