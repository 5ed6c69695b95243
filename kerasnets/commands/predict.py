"""``kerasnets predict``: predictions of a run for new data, as CSV or Parquet."""

from __future__ import annotations

import argparse
import contextlib
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._errors import did_you_mean
from kerasnets._files import atomic_write
from kerasnets._modes import owner_only
from kerasnets.commands._completion import complete_with
from kerasnets.commands._parser import one_of
from kerasnets.commands._shared import data_flags, data_options, names_of_data

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from kerasnets.data import Dataset
    from kerasnets.evaluation import ReferenceNet
    from kerasnets.training import Run

EXAMPLES = """\
  kerasnets predict runs/seizure-cnn-1 --out predictions.csv
  kerasnets predict runs/patients --data new-patients.csv
  kerasnets predict seizure-spectral-small --data new.npz
  kerasnets predict runs/mine --data new.npz --out predictions.csv
  kerasnets predict runs/seizure-cnn-1 --data seizure --split validation
  kerasnets predict runs/mortality-gru-1 --output predictions.parquet
"""

_FILES = (".csv", ".npz", ".parquet")
_OUTPUTS = (".csv", ".parquet")
_SPLITS = ("train", "validation", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    complete_with(
        parser.add_argument(
            "run",
            metavar="RUN",
            help="a run folder, or the name of a trained net of this package, such as "
            "seizure-spectral-small",
        ),
        _names,
    )
    names_of_data(
        parser.add_argument(
            "--data",
            metavar="DATA",
            help="a .csv, .parquet or .npz file of inputs, or the name of a data set; by default "
            "the data set of the run",
        )
    )
    parser.add_argument(
        "--split",
        choices=_SPLITS,
        type=one_of("split", _SPLITS),
        help="split of a data set to predict; default: test",
    )
    data_flags(parser)
    parser.add_argument(
        "--out",
        "--output",
        type=Path,
        metavar="FILE",
        help=".csv or .parquet file to write, which only you may read; by default CSV on the "
        "standard output. The .parquet file for a data set meds, eicu or mimic3 has the columns "
        "of MEDS",
    )


def _names() -> list[str]:
    from kerasnets.evaluation import list_reference_nets

    return list_reference_nets()


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if arguments.out is not None and arguments.out.suffix.lower() not in _OUTPUTS:
        raise ValueError(f"--out {arguments.out} must end in {' or '.join(_OUTPUTS)}.")
    trained = _load(arguments.run)
    data = _read(trained, arguments)
    if arguments.out is not None and arguments.out.suffix.lower() == ".parquet":
        table = _arrow_table(trained, data)
        with _private_file(arguments.out) as path:
            _write_parquet(path, table)
        print(f"{len(table):,} predictions written to {arguments.out}")
        return
    header, rows = predictions_table(trained, trained.predict(_inputs(data)))
    if arguments.out is None:
        _write(sys.stdout, header, rows)
        return
    with (
        _private_file(arguments.out) as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        _write(file, header, rows)
    print(f"{len(rows):,} predictions written to {arguments.out}")


@contextlib.contextmanager
def _private_file(out: Path) -> Iterator[Path]:
    """Write a file that only the user may read, because it has predictions for persons."""
    with atomic_write(out) as path:
        owner_only(path)
        yield path


def _load(text: str) -> Run | ReferenceNet:
    """Load the run in a folder, or a trained reference net."""
    from kerasnets.evaluation import list_reference_nets, load
    from kerasnets.training import load_run

    names = list_reference_nets()
    if text in names and not Path(text).is_dir():
        return load(text)
    try:
        return load_run(text)
    except FileNotFoundError as error:
        hint = did_you_mean(text, names, what="the trained net ")
        listed = ", ".join(names)
        raise FileNotFoundError(
            f"{error}{hint} Trained nets that need no folder: {listed}."
        ) from error


def _read(trained: Run | ReferenceNet, arguments: argparse.Namespace) -> Any:
    """The split of a data set, or the raw inputs of a file."""
    from kerasnets.data import read_inputs

    options = data_options(arguments)
    if arguments.data is not None and arguments.data.endswith(_FILES):
        if arguments.split or options:
            raise ValueError(
                "--split, --data-option, --target and --group are for data sets; every row of a "
                "file is predicted."
            )
        described = getattr(trained, "environment", {}).get("data", {})
        return read_inputs(arguments.data, described)
    if arguments.data is None:
        data = trained.load_data(arguments.data_dir)
    else:
        data = _load_new(trained, arguments.data, arguments.data_dir, options)
    return data.splits[arguments.split or "test"]


def _load_new(
    trained: Run | ReferenceNet, name: str, data_dir: Path | None, options: dict[str, Any]
) -> Dataset:
    """Load a data set with the codes of the run, and, if it is the run's, in the run's split."""
    from kerasnets.data import load_data
    from kerasnets.data.catalogue import data_spec

    settings: dict[str, Any] = {}
    recipe = getattr(trained, "recipe", None)
    if recipe is not None and recipe.data == name:
        settings = {"split": recipe.split or None, "seed": recipe.split_seed, **recipe.data_options}
    vocabulary = getattr(trained, "vocabulary", ())
    if vocabulary and "vocabulary" in data_spec(name).options:
        settings["vocabulary"] = vocabulary
    return load_data(name, data_dir=data_dir, **{**settings, **options})


def _inputs(data: Any) -> Any:
    """The inputs of a split; inputs of a file are returned as they are."""
    from kerasnets.data import Split

    return data.x if isinstance(data, Split) else data


def _arrow_table(trained: Run | ReferenceNet, data: Any) -> pa.Table:
    """The predictions as an Arrow table, in MEDS's form if the data are from a MEDS task."""
    import pyarrow as pa

    from kerasnets.data import Split
    from kerasnets.evaluation.meds_form import has_meds_keys, meds_predictions

    if isinstance(data, Split) and has_meds_keys(data):
        return meds_predictions(trained, data)
    header, rows = predictions_table(trained, trained.predict(_inputs(data)))
    return pa.table(dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)))


def _write_parquet(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path)


def predictions_table(
    run: Run | ReferenceNet, predictions: np.ndarray
) -> tuple[list[str], list[list[Any]]]:
    """Return the header and the rows of the predictions of a run.

    Args:
        run: the run or reference net.
        predictions: from :meth:`kerasnets.training.Run.predict`.

    Returns:
        For classes: the predicted class and a probability per class; for labels: a probability
        per label; for a regression: a value per target. Each row begins with its number, from 0.
    """
    from kerasnets.evaluation.outputs import both_classes

    if run.task in ("classification", "binary"):
        probabilities = both_classes(predictions) if run.task == "binary" else predictions
        threshold = run.metrics["test"].get("threshold", 0.5)
        names = run.class_names
        chosen = probabilities.argmax(axis=1)
        if len(names) == 2:
            chosen = (probabilities[:, 1] >= threshold).astype(int)
        header = ["row", "prediction", *(f"p({name})" for name in names)]
        rows = [
            [number, names[label], *map(float, row)]
            for number, (label, row) in enumerate(zip(chosen, probabilities, strict=True))
        ]
        return header, rows
    names = run.class_names or getattr(run, "target_names", ()) or ("prediction",)
    header = ["row", *((f"p({name})" for name in names) if run.task == "multilabel" else names)]
    return header, [[number, *map(float, row)] for number, row in enumerate(predictions)]


def _write(file: Any, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
