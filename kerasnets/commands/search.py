"""``kerasnets search``: settings of a net and its training, chosen in validation."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets.commands._shared import json_flag, pairs, print_json, value

if TYPE_CHECKING:
    from kerasnets.studies.space import Axis

EXAMPLES = """\
  kerasnets search seizure-mlp --over learning_rate=1e-4:1e-1:log --over units=4:64:log
  kerasnets search digit-mlp-1 --data digits --samplers grid,random,tpe --trials 9 \\
      --over learning_rate=1e-4:1e-1:log --over dropout=0.0:0.8 --set epochs=5 --jobs 2
  kerasnets search seizure-gru --over units=8,16,[16,16] --over optimizer=adam,rmsprop
  kerasnets train --recipe runs/search-seizure-mlp/best.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("net", help="name of a net; see kerasnets nets")
    parser.add_argument(
        "--over", action="append", metavar="NAME=VALUES", default=[],
        help="what to vary, a setting of the recipe or an argument of the builder: a range "
        "low:high or low:high:log, of whole numbers if both ends are, or choices a,b,c",
    )  # fmt: skip
    parser.add_argument("--samplers", default="tpe", help="of grid, random, tpe; default: tpe")
    parser.add_argument("--trials", type=int, default=20, help="trainings a sampler; default: 20")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time; default: 1")
    parser.add_argument("--data", help="name of the data set; the net's own by default")
    parser.add_argument("--data-dir", type=Path, help="where the data set's files are")
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="a setting or argument for all trials"
    )
    parser.add_argument("--out", type=Path, help="folder; default: runs/search-NET")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    json_flag(parser)


def axis(text: str) -> Axis:
    """NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,C as an axis.

    Raises:
        ValueError: if it has another form.
    """
    from kerasnets.studies.space import Axis

    name, equals, values = text.partition("=")
    if not equals or not values:
        raise ValueError(f"{text!r} must have the form NAME=LOW:HIGH or NAME=A,B,C.")
    ends = values.split(":")
    numbers = [value(end) for end in ends[:2]]
    whole = all(type(number) in (int, float) for number in numbers)
    if len(ends) in (2, 3) and whole and ends[2:] in ([], ["log"]):
        return Axis(name, numbers[0], numbers[1], log=len(ends) == 3)
    if ":" in values and "[" not in values:
        raise ValueError(f"{text!r} must have the form NAME=LOW:HIGH, and :log after it if wanted.")
    return Axis(name, choices=tuple(_choices(values)))


def _choices(text: str) -> list[Any]:
    try:
        return list(tomllib.loads(f"values = [{text}]")["values"])
    except tomllib.TOMLDecodeError:
        return [value(word) for word in text.split(",")]


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    from kerasnets._style import save_figure
    from kerasnets.studies.search import search
    from kerasnets.studies.search_figures import search_figure

    settings = pairs(arguments.set)
    if arguments.data:
        settings["data"] = arguments.data
    found = search(
        arguments.net,
        [axis(text) for text in arguments.over],
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
        values = ", ".join(f"{name.name} {best[name.name]}" for name in found.axes)
        print(f"best {found.monitor} {best['score']:.4f}: {values}")
        print(f"run  {best['folder']}")
        print(f"next kerasnets train --recipe {found.folder / 'best.toml'}")
    print(found.folder, file=sys.stderr)
