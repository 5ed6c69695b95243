"""The run folder: everything that a training writes, each file completely or not at all.

```
recipe.toml        every setting of the training
environment.json   versions, machine, commit, data set with checksum, sessions with their seconds
history.csv        one line per epoch; the same seed writes the same bytes
checkpoints/       last.keras (with the state of the optimizer) and best.keras; both know their run
model.keras        the weights of the best epoch; takes raw values, returns logits; the same seed
                   writes the same bytes
examples.npz       some raw test inputs, which export uses for verification
metrics.json       of train, validation and test; a run with this file is finished
figures/           learning curves and the figures of the task, each as PNG and SVG
```
"""

from __future__ import annotations

import csv
import functools
import hashlib
import importlib.metadata
import io
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import kerasnets
from kerasnets._files import atomic_write
from kerasnets._modes import owner_only
from kerasnets.data import Dataset, VisitSequences
from kerasnets.engine.sources import as_source

History = dict[str, list[float]]
LOG_LOSS = "log_loss"  # metric of nets with weight penalties: the loss without the penalties

_LIBRARIES = ("tensorflow", "keras", "numpy", "onnx", "onnxruntime", "tf2onnx")
_EXAMPLES = 32


def damaged(path: Path, reason: str) -> ValueError:
    """Return the error for a file of a run folder that cannot be read."""
    return ValueError(f"{path} is damaged: {reason}. Restore it from a copy, or train again.")


def write_history(folder: Path, history: History) -> None:
    """Write the history as CSV, each number with all its digits."""
    with atomic_write(folder / "history.csv") as path:
        path.write_text(history_text(history), encoding="utf-8", newline="")


def history_text(history: History) -> str:
    """Return the history as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["epoch", *history])
    writer.writerows(
        [epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), 1)
    )
    return text.getvalue()


def first_epochs(history: History, epochs: int) -> History:
    """Return the history of the first epochs."""
    return {key: values[:epochs] for key, values in history.items()} if epochs else {}


def save_examples(folder: Path, data: Dataset) -> str:
    """Save some raw test inputs, evenly spaced over the split, for export to verify with.

    Returns:
        The SHA-256 of the file.
    """
    rows = np.linspace(0, len(data.test) - 1, min(_EXAMPLES, len(data.test))).astype(int)
    taken = as_source(data.test.x).take(rows)
    examples = taken if isinstance(taken, dict) else {"x": taken}
    with atomic_write(folder / "examples.npz") as path:
        owner_only(path)  # rows of persons
        np.savez(path, **examples)
        return hashlib.sha256(path.read_bytes()).hexdigest()


def without_penalties(history: History) -> History:
    """Return the history with losses that exclude the weight penalties of the net."""
    return history | {
        prefix + "loss": history[prefix + LOG_LOSS]
        for prefix in ("", "val_")
        if prefix + LOG_LOSS in history
    }


def best_epoch(history: History, monitor: str) -> int:
    """Return the epoch, counted from 1, with the best value; the first one if several are equal.

    Raises:
        ValueError: if the monitor is not in the history.
    """
    values = without_penalties(history)
    if monitor not in values:
        raise not_measured(monitor, (name for name in values if name.startswith("val_")))
    series = np.asarray(values[monitor])
    losses = -series if monitor.endswith("accuracy") else series
    return 1 + int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))


def not_measured(monitor: str, names: Iterable[str]) -> ValueError:
    """Return the error for a monitor that is not among the metrics of a run."""
    return ValueError(
        f"monitor={monitor!r} is not measured; choose one of {', '.join(sorted(names))}."
    )


def describe_environment(data: Dataset, task: str, start: str, examples: str) -> dict[str, Any]:
    """Return versions, machine, commit, task and data set of a run, ready for JSON.

    Args:
        data: the data set.
        task: name of the task.
        start: SHA-256 of the initial weights.
        examples: SHA-256 of ``examples.npz``.
    """
    return {
        "versions": versions(),
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count()},
        "commit": _commit(),
        "task": task,
        "start": start,
        "examples": examples,
        "data": describe_data(data),
        "sessions": [],
    }


def versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of the libraries that a run depends on."""
    return {
        "kerasnets": kerasnets.__version__,
        "python": platform.python_version(),
        **_library_versions(),
    }


@functools.cache  # importlib keeps a list of files for each change of the folders in sys.path
def _library_versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


def describe_data(data: Dataset) -> dict[str, Any]:
    """Return what a run records about its data set, ready for JSON."""
    return {
        "name": data.name,
        "simulated": data.simulated,
        "source": data.source,
        "checksum": data.checksum,
        "split": data.split,
        "split_seed": data.seed,
        "rows": {name: len(split) for name, split in data.splits.items()},
        "class_names": list(data.class_names),
        "units": data.units,
        **({"target_names": list(data.target_names)} if data.target_names else {}),
        **({"target_units": data.target_units} if data.target_units else {}),
        **({"feature_names": list(data.feature_names)} if data.feature_names else {}),
        **({"codebook": list(data.codebook)} if data.codebook else {}),
        **({"vocabulary": list(x.names)} if isinstance(x := data.train.x, VisitSequences) else {}),
    }


def _commit() -> str | None:
    """The commit of this copy of kerasnets, marked if files differ; None if it has no git."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # An installed package may be inside the repository of another project.
        git("ls-files", "--error-unmatch", Path(__file__).name)
        return git("describe", "--always", "--dirty", "--abbrev=40")
    except (OSError, subprocess.CalledProcessError):
        return None
