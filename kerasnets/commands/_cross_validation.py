"""The flags of ``kerasnets train`` for folds and seeds, and their results as text."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kerasnets._errors import WorkFailedError
from kerasnets._tables import terminal_width, text_table, wrapped
from kerasnets.commands._jobs import job_flags, job_options
from kerasnets.commands._shared import print_json

if TYPE_CHECKING:
    from kerasnets.studies import CrossValidation
    from kerasnets.studies.spread import Spread

_NAMES = ("folds", "seeds", "jobs", "on", "max_retries")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a cross-validation."""
    group = parser.add_argument_group(
        "folds and seeds",
        "Train once per fold and seed, and show the spread of each metric. The same\n"
        "command resumes what is not finished.",
    )
    group.add_argument(
        "--folds", type=int, metavar="K",
        help="number of folds of a cross-validation: each row is in the test split once",
    )  # fmt: skip
    group.add_argument(
        "--seeds", type=int, metavar="N", help="number of seeds per fold, counted from --seed"
    )
    job_flags(group)


def is_requested(arguments: argparse.Namespace) -> bool:
    """Whether the arguments ask for a cross-validation.

    Raises:
        ValueError: if they only say where it should run, or contradict it.
    """
    used = [name for name in _NAMES if getattr(arguments, name) is not None]
    if not used:
        return False
    if not {"folds", "seeds"} & set(used):
        flag = f"--{used[0].replace('_', '-')}"
        raise ValueError(f"{flag} needs --folds or --seeds: one training is one job.")
    for name in ("resume", "tensorboard"):
        if getattr(arguments, name):
            hint = "the same command resumes it" if name == "resume" else "train a single run"
            raise ValueError(f"--{name} cannot be used with --folds or --seeds; {hint}.")
    return True


def run(arguments: argparse.Namespace, net: str, settings: dict[str, Any]) -> None:
    """Run the cross-validation, save its figure, and print its table.

    Raises:
        WorkFailedError: if a run failed, after everything else was done.
    """
    from kerasnets._style import save_figure
    from kerasnets.studies import cross_validate
    from kerasnets.studies.cross_validation_figure import cross_validation_figure

    result = cross_validate(
        net,
        folds=arguments.folds or 0,
        seeds=1 if arguments.seeds is None else arguments.seeds,
        out=arguments.out,
        data_dir=arguments.data_dir,
        progress=not arguments.quiet,
        **job_options(arguments),
        **settings,
    )
    save_figure(cross_validation_figure(result), result.folder / "metrics")
    if arguments.json:
        metrics = [asdict(spread) for spread in result.spreads]
        print_json({"folder": str(result.folder), "metrics": metrics, "failed": result.failed})
    else:
        if not arguments.quiet:
            print(result_text(result))
        print(result.folder)
    if result.failed:
        lines = "\n".join(f"  {name}: {error}" for name, error in result.failed.items())
        raise WorkFailedError(
            f"{len(result.failed)} of {len(result.table)} runs failed:\n{lines}\n"
            "The same command tries them again."
        )


def result_text(result: CrossValidation) -> str:
    """Format a cross-validation as a table with one row per metric."""
    from kerasnets.evaluation.metrics import metric_title

    headers = ["test metric", "mean", "SD of folds", "SD of seeds", "95 % interval"]
    columns = [True, True, result.folds > 0, len(result.seeds) > 1, True]
    rows = [
        [
            metric_title(spread.metric),
            _cell(spread.mean),
            _cell(spread.sd_folds),
            _cell(spread.sd_seeds),
            _interval(spread),
        ]
        for spread in result.spreads
    ]
    shown = [
        [cell for cell, column in zip(row, columns, strict=True) if column]
        for row in [headers, *rows]
    ]
    align = "l" + "r" * (sum(columns) - 1)
    table = text_table(shown[0], shown[1:], align, box=False, width=terminal_width())
    counts = [
        _count(result.folds, "fold") if result.folds else "",
        _count(len(result.seeds), "seed"),
    ]
    title = f"{result.recipe.net} on {result.data_name}, {' × '.join(filter(None, counts))}"
    return "\n".join([wrapped(title), table, *map(wrapped, _notes(result))])


def _notes(result: CrossValidation) -> list[str]:
    notes = []
    if result.folds:
        notes.append(
            "Interval: of the mean over the folds, corrected for overlapping training splits "
            "(Nadeau and Bengio 2003)."
        )
    elif len(result.seeds) > 1:
        notes.append("Interval: of the mean over the seeds. It says nothing about other data.")
    finished = len(result.table) - len(result.failed)
    notes += [
        f"{spread.metric} is defined in {spread.runs} of {finished} runs."
        for spread in result.spreads
        if spread.runs < finished
    ]
    return notes


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _interval(spread: Spread) -> str:
    if spread.low is None or spread.high is None:
        return ""
    return f"{spread.low:.4f} to {spread.high:.4f}"
