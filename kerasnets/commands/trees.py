"""``kerasnets trees``: decision trees for many settings, and a recommendation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._files import atomic_write
from kerasnets._tables import terminal_width, text_table, wrapped
from kerasnets.commands._shared import (
    data_flags,
    data_options,
    json_flag,
    names_of_data,
    print_json,
    quiet_flag,
)

if TYPE_CHECKING:
    from kerasnets.studies.trees import Trees

EXAMPLES = """\
  kerasnets trees rain-simulated
  kerasnets trees rain --min-samples-split 2:9 --min-samples-leaf 1:9
  kerasnets trees covid-simulated --max-depth 3,6,9 --json
"""

_MAX_ROWS = 60


class _OldFlag(argparse.Action):
    """Accept the old name of a flag, and say on standard error what the new one is."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        new = f"--{self.dest.replace('_', '-')}"
        print(f"kerasnets: {option_string} is now {new}; use the new name.", file=sys.stderr)
        setattr(namespace, self.dest, values)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    from kerasnets.studies.trees import MAX_DEPTH, MIN_SAMPLES_LEAF, MIN_SAMPLES_SPLIT

    names_of_data(parser.add_argument("data", help="name of a data set, or your own file"))
    for flag, old, values, meaning in (
        ("--max-depth", "--depths", MAX_DEPTH, "largest depth of the tree"),
        (
            "--min-samples-split", "--min-parents", MIN_SAMPLES_SPLIT,
            "smallest number of samples in a node that is split",
        ),
        (
            "--min-samples-leaf", "--min-leaves", MIN_SAMPLES_LEAF,
            "smallest number of samples in a leaf",
        ),
    ):  # fmt: skip
        dest = flag.removeprefix("--").replace("-", "_")
        parser.add_argument(
            flag, dest=dest, type=integers, default=values, metavar="NUMBERS",
            help=f"{meaning}: values such as 2,4,8 or 2:9; default: {','.join(map(str, values))}",
        )  # fmt: skip
        parser.add_argument(
            old, dest=dest, type=integers, action=_OldFlag, default=values, help=argparse.SUPPRESS
        )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the results; default: runs/trees-DATA"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N",
        help="trees grown in parallel; default: number of processors",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, metavar="N", default=0, help="seed of the split and of the trees"
    )
    quiet_flag(parser)
    data_flags(parser)
    json_flag(parser)


def integers(text: str) -> tuple[int, ...]:
    """Read integers separated by commas. ``2:9`` means all integers from 2 to 9."""
    found: list[int] = []
    for item in text.split(","):
        first, colon, last = item.partition(":")
        found.extend(range(int(first), int(last) + 1) if colon else [int(first)])
    return tuple(found)


def run(arguments: argparse.Namespace) -> None:
    """Grow the trees, save the table and the figures, print the recommendation."""
    from kerasnets._style import save_figure
    from kerasnets.data import load_data
    from kerasnets.studies.tree_figures import depth_curves, heat_maps
    from kerasnets.studies.trees import grow_trees

    options = data_options(arguments)
    data = load_data(arguments.data, arguments.data_dir, seed=arguments.seed, **options)
    trees = grow_trees(
        data,
        arguments.max_depth,
        arguments.min_samples_split,
        arguments.min_samples_leaf,
        seed=arguments.seed,
        jobs=arguments.jobs,
        progress=not arguments.quiet,
    )
    folder = arguments.out or Path("runs") / f"trees-{data.name}"
    with atomic_write(folder / "trees.csv") as path:
        trees.table.to_csv(path, index=False)
    figures = {"depth_curves": depth_curves(trees)}
    figures |= {
        f"heat_maps_depth_{depth}": heat_maps(trees, depth) for depth in arguments.max_depth
    }
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    if arguments.json:
        print_json({"folder": str(folder), "recommended": trees.recommended, "text": trees.text})
        return
    if not arguments.quiet:
        print(_table(trees))
        print(wrapped(trees.text))
    print(folder)


def _table(trees: Trees) -> str:
    """The table of the trees; of a large grid, its first and last rows."""
    table = trees.table.drop(columns="standard_error")
    rows = [
        [f"{cell:.4f}" if isinstance(cell, float) else f"{cell:,}" for cell in row]
        for row in table.itertuples(index=False)
    ]
    if len(rows) > _MAX_ROWS:
        half = _MAX_ROWS // 2
        rows = [*rows[:half], ["…"] * len(table.columns), *rows[-half:]]
    width = terminal_width()
    return text_table(list(table.columns), rows, "r" * len(table.columns), box=False, width=width)
