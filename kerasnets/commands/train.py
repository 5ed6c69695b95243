"""``kerasnets train``: train a net and write a run folder."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from kerasnets._worker import worker
from kerasnets.commands._shared import data_flags, json_flag, pairs, print_json, value
from kerasnets.commands.evaluate import print_metrics
from kerasnets.training import Recipe, Run, resume, train
from kerasnets.training.recipe import read_settings

EXAMPLES = """\
  kerasnets train seizure-cnn
  kerasnets train seizure-gru --set units=32 --epochs 40 --schedule cosine --out runs/gru32
  kerasnets train seizure-mlp --data seizure-simulated --data-option recordings_per_class=20
  kerasnets train covid-2 --data patients.csv --target died --group patient
  kerasnets train --recipe runs/gru32/recipe.toml --seed 1
  kerasnets train --resume runs/gru32
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("net", nargs="?", help="name of a net; see kerasnets nets")
    parser.add_argument("--recipe", type=Path, help="TOML file of settings; flags override it")
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="resume this run")
    parser.add_argument("--out", type=Path, help="run folder to create")
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="an argument of the net's builder"
    )
    data_flags(parser)
    parser.add_argument("--target", help="for your own file in --data: column to predict")
    parser.add_argument(
        "--group",
        help="for your own file: rows with the same value in this column stay in one split",
    )
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard logs")
    parser.add_argument("--quiet", action="store_true", help="do not show progress")
    json_flag(parser)
    group = parser.add_argument_group("settings of the recipe; by default those of the net")
    for name, text in Recipe.descriptions().items():
        if name not in ("net", "net_arguments", "data_options"):
            group.add_argument(f"--{name.replace('_', '-')}", help=text.replace("%", "%%"))


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = read_settings(arguments.recipe) if arguments.recipe else {}
    flags = {
        name: value(text)
        for name in Recipe.fields()
        if name != "net" and (text := getattr(arguments, name, None)) is not None
    }
    options: dict[str, Any] = {
        "data_dir": arguments.data_dir,
        "progress": not arguments.quiet,
        "tensorboard": arguments.tensorboard,
    }
    columns = {name: getattr(arguments, name) for name in ("target", "group")}
    columns = {name: column for name, column in columns.items() if column is not None}
    if arguments.resume:
        if arguments.net or settings or flags or arguments.set or arguments.out or columns:
            raise ValueError(
                "--resume uses the recipe of the run: remove the net and the settings."
            )
        with _worker():
            trained = resume(arguments.resume, **options)
    else:
        net = settings.pop("net", None) if arguments.net is None else arguments.net
        if net is None:
            raise ValueError("Name a net (kerasnets nets lists them), or use --recipe or --resume.")
        settings.pop("net", None)
        overrides = {
            "net_arguments": pairs(arguments.set),
            "data_options": {**pairs(arguments.data_option), **columns},
        }
        merged = {
            name: {**settings.get(name, {}), **values} if values else settings[name]
            for name, values in overrides.items()
            if values or name in settings
        }
        with _worker():
            trained = train(net, out=arguments.out, **options, **{**settings, **flags, **merged})
    _print_run(trained, arguments.json)


def _worker() -> contextlib.AbstractContextManager[None]:
    """Run a worker process, unless TensorFlow is imported: then there is little to save."""
    return contextlib.nullcontext() if "tensorflow" in sys.modules else worker()


def _print_run(run: Run, as_json: bool) -> None:
    if as_json:
        best, seconds = run.best_epoch, run.seconds
        summary = {"folder": str(run.folder), "best_epoch": best, "seconds": seconds}
        print_json({**summary, "metrics": run.metrics})
        return
    print_metrics(run, run.metrics)
    print(f"best epoch {run.best_epoch} of {len(run.history['loss'])}, {run.seconds:.1f} s")
    print(run.folder)
