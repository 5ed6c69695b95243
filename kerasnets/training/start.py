"""The start of a run: a complete run folder, or none if the start fails."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from kerasnets._files import (
    atomic_content,
    atomic_folder,
    entries,
    remove_incomplete_content,
    write_json,
)
from kerasnets._lazy import keras
from kerasnets._modes import owner_only
from kerasnets._temporary import remove
from kerasnets.data import Dataset
from kerasnets.evaluation.tasks import Task
from kerasnets.training import run_folder
from kerasnets.training.checks import check_reloads
from kerasnets.training.identity import RunIdentity
from kerasnets.training.model_file import (
    count_steps,
    hash_weights,
    last_checkpoint,
    save_checkpoint,
)
from kerasnets.training.recipe import Recipe, recipe_toml
from kerasnets.training.session import Session

_MARK = "recipe.toml"  # a folder with this file is a run folder


def check_folder(out: str | Path | None) -> None:
    """Refuse a folder that is not empty, before any work.

    Raises:
        FileExistsError: if it is not empty.
        FileNotFoundError: if it is a link to a folder that does not exist.
    """
    if out is None or not os.path.lexists(out):
        return
    folder = Path(out)
    if not folder.exists():
        raise FileNotFoundError(
            f"{folder} is a link to {folder.readlink()}, which does not exist. Create that folder, "
            "or choose another one."
        )
    if folder.is_dir():
        remove_incomplete_content(folder, _MARK)
    if not folder.is_dir() or entries(folder):
        is_run = (folder / _MARK).is_file()
        hint = f", or resume the run in it: kerasnets train --resume {folder}"
        raise FileExistsError(
            f"{folder} is not empty. Choose another folder{hint if is_run else ''}."
        )


@contextlib.contextmanager
def clean_up_failed_start(out: str | Path | None) -> Iterator[list[Session]]:
    """Remove the run folder if an error occurs before the first step has run.

    Parent folders that did not exist before are removed too. A folder that existed is emptied.

    Yields:
        An empty list, to which the session is added once its folder exists.
    """
    target = Path("runs") / "any" if out is None else Path(out)
    existed = target.exists()
    new_parents = [parent for parent in target.parents if not parent.exists()]
    sessions: list[Session] = []
    try:
        yield sessions
    except Exception:
        if any(session.steps for session in sessions):
            raise
        for session in sessions:
            _remove(session.folder, keep_folder=existed)
        for parent in new_parents:
            with contextlib.suppress(OSError):  # it does not exist, or is not empty
                parent.rmdir()
        raise


def begin(
    out: str | Path | None, recipe: Recipe, data: Dataset, model: keras.Model, task: Task
) -> Path:
    """Create the complete run folder, so that the run can be resumed from the start."""
    numbered = (Path("runs") / f"{recipe.net}-{number}" for number in itertools.count(1))
    for folder in numbered if out is None else [Path(out)]:
        try:
            # A folder of the user stays: it may be a mount point or a link.
            fill = out is not None and folder.is_dir()
            with atomic_content(folder, _MARK) if fill else atomic_folder(folder) as new:
                owner_only(new)  # it will hold rows of persons
                _fill(new, recipe, data, model, task)
            return folder
        except FileExistsError:
            if out is not None:
                raise
    raise RuntimeError("unreachable: the numbers do not end")


def _fill(new: Path, recipe: Recipe, data: Dataset, model: keras.Model, task: Task) -> None:
    start = hash_weights(model)
    examples = run_folder.save_examples(new, data)
    environment = run_folder.describe_environment(data, task.name, start, examples)
    write_json(new / "environment.json", environment)
    state = RunIdentity.of(recipe, data, start).state("last", 0, count_steps(model), {})
    save_checkpoint(model, last_checkpoint(new), state)
    check_reloads(last_checkpoint(new))
    (new / _MARK).write_text(recipe_toml(recipe), encoding="utf-8")


def _remove(folder: Path, *, keep_folder: bool) -> None:
    """Remove a run folder, or only its content: a mount point or a link stays."""
    for path in entries(folder) if folder.is_dir() else []:
        remove(path)
    if not keep_folder:
        with contextlib.suppress(OSError):
            folder.rmdir()
