"""``kerasnets data``: describe a data set, fetch it, or convert it to MEDS."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from kerasnets._tables import terminal_width, text_table
from kerasnets.commands._shared import (
    data_flags,
    data_options,
    json_flag,
    names_of_data,
    print_json,
)

EXAMPLES = """\
  kerasnets data                       all data sets
  kerasnets data seizure --split row
  kerasnets data patients.csv --target died --group patient --drop name
  kerasnets data fetch seizure
  kerasnets data eicu --to-meds eicu-meds
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    names_of_data(
        parser.add_argument(
            "names",
            nargs="*",
            metavar="[fetch] NAME",
            help="name of a data set, or your own .csv, .parquet or .npz file",
        )
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder for the figure of examples"
    )
    parser.add_argument(
        "--to-meds",
        type=Path,
        metavar="FOLDER",
        help="convert eicu or mimic3 to MEDS (Medical Event Data Standard), in a new folder",
    )
    parser.add_argument("--url", action="append", help="fetch from this base address instead")
    data_flags(parser)
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="what stays in one split; kerasnets data lists the splits of each data set",
    )
    parser.add_argument("--seed", type=int, metavar="N", default=0, help="seed of the split")
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from kerasnets import data

    if arguments.to_meds is not None:
        _convert(arguments)
        return
    match arguments.names:
        case []:
            names = data.list_datasets()
            print_json(names) if arguments.json else print(_list_text(names))
        case ["fetch"]:
            raise ValueError("Name the data set to fetch: kerasnets data fetch NAME.")
        case ["fetch", name]:
            print(data.fetch(name, data_dir=arguments.data_dir, urls=arguments.url))
        case [name]:
            _show_data(name, arguments)
        case _:
            raise ValueError(
                "Name one data set: kerasnets data NAME, or kerasnets data fetch NAME."
            )


def _convert(arguments: argparse.Namespace) -> None:
    from kerasnets.data.ehr.to_meds import to_meds

    if len(arguments.names) != 1:
        raise ValueError(
            "Name the data set to convert: kerasnets data eicu --to-meds FOLDER, or mimic3."
        )
    if arguments.split not in (None, "patient"):
        raise ValueError(f"The split of MEDS data is by patient, got --split {arguments.split}.")
    written = to_meds(
        arguments.names[0],
        arguments.to_meds,
        arguments.data_dir,
        arguments.seed,
        **data_options(arguments),
    )
    if arguments.json:
        print_json(
            {
                name: str(value) if isinstance(value, Path) else value
                for name, value in asdict(written).items()
            }
        )
        return
    print(
        f"{written.events:,} events of {written.subjects:,} subjects and {written.labels:,} labels "
        f"written to {written.folder}. To train on them:"
    )
    print(
        f"kerasnets train mortality-gru --data meds --data-dir {shlex.quote(str(written.folder))} "
        f"--data-option labels={written.labels_file}"
    )


def _list_text(names: list[str]) -> str:
    from kerasnets.data.catalogue import data_spec

    specs = [data_spec(name) for name in names]
    rows = [(spec.name, ", ".join(spec.splits), spec.summary) for spec in specs]
    return text_table(("data set", "splits", "content"), rows, box=False, width=terminal_width())


def _show_data(name: str, arguments: argparse.Namespace) -> None:
    # Imported here, because listing names and fetching need no matplotlib.
    from kerasnets import data
    from kerasnets._style import save_figure
    from kerasnets.data.figures.examples import draw_examples

    dataset = data.load_data(
        name,
        data_dir=arguments.data_dir,
        split=arguments.split,
        seed=arguments.seed,
        **data_options(arguments),
    )
    if arguments.json:
        print_json(data.describe(dataset))
    else:
        print(data.describe_text(dataset))
    drawn = draw_examples(dataset)
    if drawn is None:
        return
    kind, figure = drawn
    folder = arguments.out or Path("runs") / "data"
    for path in save_figure(figure, folder / f"{Path(name).stem}-{kind}"):
        print(path, file=sys.stderr)
