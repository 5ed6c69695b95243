"""``kerasnets report``: a page that shows a run and runs its net."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kerasnets._tables import wrapped
from kerasnets.commands._shared import data_dir_flag, json_flag, print_json

EXAMPLES = """\
  kerasnets report runs/seizure-cnn-1
  kerasnets report runs/seizure-cnn-1 --exported exported/seizure-cnn
  kerasnets report exported/seizure-cnn
  kerasnets report --compare runs/seizure-cnn-1 runs/seizure-gru-1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="a run folder, or a folder that kerasnets export wrote; several for a page each",
    )
    parser.add_argument(
        "--compare", action="store_true", help="one page that shows two or more runs side by side"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="HTML file to write, or a folder; default: report.html in the run folder, "
        "report-VERSION.html next to an exported version, comparison.html here for --compare",
    )
    parser.add_argument(
        "--exported",
        type=Path,
        metavar="FOLDER",
        help="for a run: show this export of it, and also write the page there; default: the net "
        "is exported for the page alone",
    )
    parser.add_argument(
        "--without-net", action="store_true", help="a small page, in which the net does not run"
    )
    data_dir_flag(parser)
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from kerasnets.report import write_comparison, write_report

    folders = arguments.folders
    if arguments.compare:
        if arguments.exported or arguments.without_net:
            raise ValueError("--compare shows no net: remove --exported and --without-net.")
        reports = [write_comparison(folders, arguments.out, data_dir=arguments.data_dir)]
    elif len(folders) > 1 and (arguments.exported or arguments.out):
        raise ValueError(
            f"--out and --exported are for one folder; got {len(folders)}. For one page that shows "
            "several runs, add --compare."
        )
    else:
        reports = [
            write_report(
                folder,
                arguments.out,
                data_dir=arguments.data_dir,
                exported=arguments.exported,
                with_net=not arguments.without_net,
            )
            for folder in folders
        ]
    for report in reports:
        for what, reason in report.left_out.items():
            print(wrapped(f"without {what}: {reason}"), file=sys.stderr)
    paths = [str(path) for report in reports for path in (report.path, *report.copies)]
    if arguments.json:
        left_out = [report.left_out for report in reports]
        print_json({"pages": paths, "left_out": left_out})
    else:
        print("\n".join(paths))
