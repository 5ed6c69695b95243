"""``kerasnets trees``: decision trees of every size, and which to take."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kerasnets._files import atomic_write
from kerasnets.commands._shared import data_flags, json_flag, pairs, print_json
from kerasnets.data import load_data
from kerasnets.studies.trees import DEPTHS, MIN_LEAVES, MIN_PARENTS, grow_trees

EXAMPLES = """\
  kerasnets trees rain-simulated
  kerasnets trees rain --min-parents 2:9 --min-leaves 1:9       the ranges of S3
  kerasnets trees covid-simulated --depths 3,6,9 --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words this command takes."""
    parser.add_argument("data", help="name of a data set; see kerasnets data")
    for name, values, what in (
        ("--depths", DEPTHS, "max depths"),
        ("--min-parents", MIN_PARENTS, "fewest examples of a node to divide"),
        ("--min-leaves", MIN_LEAVES, "fewest examples of a leaf"),
    ):
        parser.add_argument(
            name, type=numbers, default=values, metavar="NUMBERS",
            help=f"{what}, such as 2,4,8 or 2:9; default: {','.join(map(str, values))}",
        )  # fmt: skip
    parser.add_argument("--out", type=Path, help="folder of the results; default: runs/trees-DATA")
    parser.add_argument("--jobs", type=int, help="trees grown at a time; default: all processors")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the trees")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    data_flags(parser)
    json_flag(parser)


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers separated by commas; 2:9 is every number from 2 to 9."""
    found: list[int] = []
    for word in text.split(","):
        first, colon, last = word.partition(":")
        found.extend(range(int(first), int(last) + 1) if colon else [int(first)])
    return tuple(found)


def run(arguments: argparse.Namespace) -> None:
    """Do what the words ask for."""
    from kerasnets._style import save_figure
    from kerasnets.studies.tree_figures import depth_curves, heat_maps

    options = pairs(arguments.data_option)
    data = load_data(arguments.data, arguments.data_dir, seed=arguments.seed, **options)
    trees = grow_trees(
        data,
        arguments.depths,
        arguments.min_parents,
        arguments.min_leaves,
        seed=arguments.seed,
        jobs=arguments.jobs,
        progress=not arguments.quiet,
    )
    folder = arguments.out or Path("runs") / f"trees-{data.name}"
    with atomic_write(folder / "trees.csv") as path:
        trees.table.to_csv(path, index=False)
    figures = {"depth_curves": depth_curves(trees)}
    figures |= {f"heat_maps_depth_{depth}": heat_maps(trees, depth) for depth in arguments.depths}
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    if arguments.json:
        print_json({"folder": str(folder), "recommended": trees.recommended, "text": trees.text})
    else:
        print(trees.table.drop(columns="standard_error").to_string(index=False, max_rows=60))
        print(trees.text)
    print(folder, file=sys.stderr)
