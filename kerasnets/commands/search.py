"""``kerasnets search``: find the settings with the best validation score."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._tables import terminal_width, text_table, wrapped
from kerasnets.commands._jobs import job_flags, job_options
from kerasnets.commands._shared import (
    data_flags,
    data_options,
    json_flag,
    names_of_data,
    names_of_nets,
    pairs,
    print_json,
    quiet_flag,
    recipe_flag,
    value,
)

if TYPE_CHECKING:
    from kerasnets.studies.search import SearchResult
    from kerasnets.studies.space import Hyperparameter

EXAMPLES = """\
  kerasnets search seizure-mlp --over learning_rate=1e-4:1e-1:log \\
      --over units=4:64:log
  kerasnets search digit-mlp-1 --data digits --samplers grid,random,tpe \\
      --trials 9 --over learning_rate=1e-4:1e-1:log --over dropout=0.0:0.8 \\
      --set epochs=5 --jobs 2
  kerasnets search seizure-gru --over units=8,16,[16,16] \\
      --over optimizer=adam,rmsprop
  kerasnets search seizure-gru --over units=8:64 --trials 40 --out /shared/gru \\
      --storage postgresql://anna@db.example.org/searches
  kerasnets search seizure-gru --over units=8:64 --out /shared/gru \\
      --on ray://head.example.org:10001
  kerasnets train --recipe runs/search-seizure-mlp/best.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    names_of_nets(parser.add_argument("net", help="name of a net; kerasnets nets lists them"))
    parser.add_argument(
        "--over", action="append", metavar="NAME=VALUES", default=[],
        help="a hyperparameter: a setting of the recipe or an argument of the builder, with a "
        "range low:high or low:high:log (integers if both ends are integers), or choices a,b,c",
    )  # fmt: skip
    parser.add_argument(
        "--samplers", default="tpe", metavar="NAMES", help="any of grid, random, tpe, with commas"
    )
    parser.add_argument(
        "--trials", type=int, default=20, metavar="N", help="number of trainings per sampler"
    )
    names_of_data(
        parser.add_argument(
            "--data", metavar="DATA", help="data set, or your own file; default: that of the net"
        )
    )
    data_flags(parser)
    recipe_flag(parser)
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="a setting for all trials"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the results; default: runs/search-NET"
    )
    parser.add_argument("--seed", type=int, metavar="N", default=0, help="seed of the samplers")
    parser.add_argument(
        "--figures", action="store_true",
        help="draw the figures of every training; default: only of the best",
    )  # fmt: skip
    parser.add_argument(
        "--storage", metavar="URL",
        help="a PostgreSQL database, postgresql://USER@HOST/NAME, so that the same command works "
        "on the same search on several machines, with FOLDER on a shared path",
    )  # fmt: skip
    parser.add_argument(
        "--study", metavar="NAME",
        help="name of the search in the database; default: that of FOLDER",
    )  # fmt: skip
    parser.add_argument(
        "--lease", type=float, metavar="SECONDS", default=60.0,
        help="how long a process on a shared database may be silent until others take over its "
        "training; default: 60",
    )  # fmt: skip
    job_flags(parser)
    quiet_flag(parser)
    json_flag(parser)


def hyperparameter(text: str) -> Hyperparameter:
    """Read NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,C.

    Raises:
        ValueError: if the text has another form.
    """
    from kerasnets.studies.space import Hyperparameter

    name, equals, values = text.partition("=")
    if not equals or not values:
        raise ValueError(f"{text!r} must have the form NAME=LOW:HIGH or NAME=A,B,C.")
    fields = values.split(":")
    ends = [value(end) for end in fields[:2]]
    are_numbers = all(type(end) in (int, float) for end in ends)
    if len(fields) in (2, 3) and are_numbers and fields[2:] in ([], ["log"]):
        return Hyperparameter(name, ends[0], ends[1], log=len(fields) == 3)
    if ":" in values and "[" not in values:
        raise ValueError(f"{text!r} must have the form NAME=LOW:HIGH or NAME=LOW:HIGH:log.")
    return Hyperparameter(name, choices=tuple(_choices(values)))


def _choices(text: str) -> list[Any]:
    try:
        return list(tomllib.loads(f"values = [{text}]")["values"])
    except tomllib.TOMLDecodeError:
        return [value(item) for item in text.split(",")]


def run(arguments: argparse.Namespace) -> None:
    """Run the search, save its figure, and print the trials and the best one."""
    from kerasnets._style import save_figure
    from kerasnets.studies.search import search
    from kerasnets.studies.search_figures import search_figure

    settings = pairs(arguments.set)
    if arguments.data:
        settings["data"] = arguments.data
    if options := data_options(arguments):
        settings["data_options"] = options
    found = search(
        arguments.net,
        [hyperparameter(text) for text in arguments.over],
        trials=arguments.trials,
        samplers=arguments.samplers.split(","),
        out=arguments.out or Path("runs") / f"search-{arguments.net}",
        data_dir=arguments.data_dir,
        seed=arguments.seed,
        progress=not arguments.quiet,
        figures=arguments.figures,
        storage=arguments.storage,
        study=arguments.study,
        lease=arguments.lease,
        recipe=arguments.recipe or "default",
        **job_options(arguments),
        **settings,
    )
    save_figure(search_figure(found), found.folder / "search")
    best = found.best_trial
    if arguments.json:
        print_json({"folder": str(found.folder), "best": best, "importance": found.importance})
        return
    if not arguments.quiet:
        print(_table(found))
        values = ", ".join(f"{entry.name} {best[entry.name]}" for entry in found.space)
        print(wrapped(f"best {found.monitor} {best['score']:.4f}: {values}"))
        print(f"run  {best['folder']}")
        print(f"next kerasnets train --recipe {found.folder / 'best.toml'}")
    print(found.folder)


def _table(found: SearchResult) -> str:
    table = found.table.drop(columns="folder")
    rows = [
        [f"{cell:.4g}" if isinstance(cell, float) else cell for cell in row]
        for row in table.itertuples(index=False)
    ]
    align = "".join("r" if table[name].dtype.kind in "if" else "l" for name in table)
    return text_table(list(map(str, table.columns)), rows, align, box=False, width=terminal_width())
