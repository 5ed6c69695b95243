"""``kerasnets search``: find the settings with the best validation score."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets.commands._shared import json_flag, pairs, print_json, value

if TYPE_CHECKING:
    from kerasnets.studies.space import Hyperparameter

EXAMPLES = """\
  kerasnets search seizure-mlp --over learning_rate=1e-4:1e-1:log --over units=4:64:log
  kerasnets search digit-mlp-1 --data digits --samplers grid,random,tpe --trials 9 \\
      --over learning_rate=1e-4:1e-1:log --over dropout=0.0:0.8 --set epochs=5 --jobs 2
  kerasnets search seizure-gru --over units=8,16,[16,16] --over optimizer=adam,rmsprop
  kerasnets train --recipe runs/search-seizure-mlp/best.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    parser.add_argument("net", help="name of a net; kerasnets nets lists them")
    parser.add_argument(
        "--over", action="append", metavar="NAME=VALUES", default=[],
        help="a hyperparameter: a setting of the recipe or an argument of the builder, with a "
        "range low:high or low:high:log (integers if both ends are integers), or choices a,b,c",
    )  # fmt: skip
    parser.add_argument(
        "--samplers", default="tpe", help="any of grid, random, tpe, with commas; default: tpe"
    )
    parser.add_argument(
        "--trials", type=int, default=20, help="number of trainings per sampler; default: 20"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of trainings at a time; default: 1"
    )
    parser.add_argument("--data", help="name of the data set; default: the one of the net")
    parser.add_argument("--data-dir", type=Path, help="folder with the files of the data set")
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="a setting for all trials"
    )
    parser.add_argument("--out", type=Path, help="folder; default: runs/search-NET")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samplers")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
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
    found = search(
        arguments.net,
        [hyperparameter(text) for text in arguments.over],
        trials=arguments.trials,
        samplers=arguments.samplers.split(","),
        out=arguments.out or Path("runs") / f"search-{arguments.net}",
        data_dir=arguments.data_dir,
        jobs=arguments.jobs,
        seed=arguments.seed,
        progress=not arguments.quiet,
        **settings,
    )
    save_figure(search_figure(found), found.folder / "search")
    best = found.best_trial
    if arguments.json:
        print_json({"folder": str(found.folder), "best": best, "importance": found.importance})
    else:
        print(found.table.drop(columns="folder").to_string(index=False))
        values = ", ".join(f"{entry.name} {best[entry.name]}" for entry in found.space)
        print(f"best {found.monitor} {best['score']:.4f}: {values}")
        print(f"run  {best['folder']}")
        print(f"next kerasnets train --recipe {found.folder / 'best.toml'}")
    print(found.folder, file=sys.stderr)
