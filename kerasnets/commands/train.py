"""``kerasnets train``: train a net and write a run folder."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._worker import worker
from kerasnets.commands import _cross_validation as cross_validation
from kerasnets.commands._recipe_flags import add_recipe_flags, recipe_settings
from kerasnets.commands._shared import (
    data_flags,
    data_options,
    json_flag,
    names_of_nets,
    pairs,
    print_json,
    quiet_flag,
    recipe_flag,
)
from kerasnets.nets.spec import RECIPES
from kerasnets.training.recipe import read_net

if TYPE_CHECKING:
    from kerasnets.training import Run

EXAMPLES = """\
  kerasnets train seizure-cnn
  kerasnets train seizure-mlp --recipe as-reported
  kerasnets train seizure-gru --set units=32 --epochs 40 --schedule cosine
  kerasnets train seizure-mlp --data seizure-simulated \\
      --data-option recordings_per_class=20
  kerasnets train covid-2 --data patients.csv --target died --drop name
  kerasnets train --recipe runs/gru32/recipe.toml --seed 1
  kerasnets train --resume runs/gru32
  kerasnets train mortality-gru --data eicu --folds 5 --seeds 3 --jobs 2
  kerasnets train seizure-mlp --out runs/a --workers a:2222,b:2222 --index 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    names_of_nets(parser.add_argument("net", nargs="?", help="name of a net; see kerasnets nets"))
    recipe_flag(parser)
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="resume this run")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER",
        help="run folder to create, or folder of the cross-validation; default: runs/NET-NUMBER, "
        "or runs/cross-validation-NET",
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="an argument of the net's builder"
    )
    data_flags(parser)
    parser.add_argument(
        "--workers",
        metavar="HOST:PORT,…",
        help="train on several machines: the address of each worker, in the same order in the "
        "same command on every machine; default: those of TF_CONFIG. The first one writes the run "
        "folder",
    )
    parser.add_argument(
        "--index", type=int, metavar="I", help="which of the workers this is, counted from 0"
    )
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard logs")
    quiet_flag(parser)
    json_flag(parser)
    cross_validation.add_flags(parser)
    add_recipe_flags(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if cross_validation.is_requested(arguments):
        cross_validation.run(arguments, *_net_and_settings(arguments))
        return
    with _worker():
        trained = _resume(arguments) if arguments.resume else _train(arguments)
    if _is_first(arguments):
        _print_run(trained, arguments)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "data_dir": arguments.data_dir,
        "progress": not arguments.quiet,
        "tensorboard": arguments.tensorboard,
        "workers": arguments.workers and arguments.workers.split(","),
        "index": arguments.index,
    }


def _resume(arguments: argparse.Namespace) -> Run:
    from kerasnets.training import resume

    others = arguments.net, arguments.recipe, arguments.set, arguments.out
    if any(others) or recipe_settings(arguments) or data_options(arguments):
        raise ValueError("--resume uses the recipe of the run: remove the net and the settings.")
    return resume(arguments.resume, **_options(arguments))


def _train(arguments: argparse.Namespace) -> Run:
    from kerasnets.training import train

    net, settings = _net_and_settings(arguments)
    return train(net, out=arguments.out, **_options(arguments), **settings)


def _net_and_settings(arguments: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The net, the name or file of its recipe, and the settings that flags replace."""
    recipe = arguments.recipe or "default"
    net = arguments.net
    if net is None:
        if recipe in RECIPES:
            raise ValueError("Name a net (kerasnets nets lists them), or use --recipe or --resume.")
        net = read_net(recipe)
    return net, {
        **recipe_settings(arguments),
        "recipe": recipe,
        "net_arguments": pairs(arguments.set),
        "data_options": data_options(arguments),
    }


def _is_first(arguments: argparse.Namespace) -> bool:
    """Whether this process writes the run and prints its results."""
    from kerasnets.engine.workers import find_workers

    options = _options(arguments)
    workers = find_workers(options["workers"], options["index"])
    return workers is None or workers.index == 0


def _worker() -> contextlib.AbstractContextManager[None]:
    """Run a worker process, unless TensorFlow is imported: then there is little to save."""
    return contextlib.nullcontext() if "tensorflow" in sys.modules else worker()


def _print_run(run: Run, arguments: argparse.Namespace) -> None:
    if arguments.json:
        best, seconds = run.best_epoch, run.seconds
        summary = {"folder": str(run.folder), "best_epoch": best, "seconds": seconds}
        print_json({**summary, "metrics": run.metrics})
        return
    if not arguments.quiet:
        from kerasnets.commands._metrics import metrics_text

        print(metrics_text(run, run.metrics))
        print(f"best epoch {run.best_epoch} of {len(run.history['loss'])}, {run.seconds:.1f} s")
    print(run.folder)
