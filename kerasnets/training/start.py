"""The start of a run: a complete run folder, or none if the start fails."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from kerasnets._files import atomic_folder, write_json
from kerasnets._lazy import keras
from kerasnets._modes import owner_only
from kerasnets.data import Dataset
from kerasnets.evaluation.tasks import Task
from kerasnets.training import run_folder
from kerasnets.training.checks import check_reloads
from kerasnets.training.recipe import Recipe, recipe_toml
from kerasnets.training.session import Session, last_checkpoint


def check_folder(out: str | Path | None) -> None:
    """Refuse a folder that is not empty, before any work."""
    if out is None or not Path(out).exists():
        return
    folder = Path(out)
    if not folder.is_dir() or any(folder.iterdir()):
        is_run = (folder / "recipe.toml").is_file()
        hint = f", or resume the run in it: kerasnets train --resume {folder}"
        raise FileExistsError(
            f"{folder} is not empty. Choose another folder{hint if is_run else ''}."
        )


@contextlib.contextmanager
def clean_up_failed_start(out: str | Path | None) -> Iterator[list[Session]]:
    """Remove the run folder if an error occurs before the first step has run.

    Parent folders that did not exist before are removed too.

    Yields:
        An empty list, to which the session is added once its folder exists.
    """
    target = Path("runs") / "any" if out is None else Path(out)
    new_parents = [parent for parent in target.parents if not parent.exists()]
    sessions: list[Session] = []
    try:
        yield sessions
    except Exception:
        if any(session.steps for session in sessions):
            raise
        for session in sessions:
            shutil.rmtree(session.folder, ignore_errors=True)
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
            with contextlib.suppress(OSError):
                folder.rmdir()  # checked to be empty; the new folder replaces it
            with atomic_folder(folder) as new:
                owner_only(new)  # it will hold rows of persons
                environment = run_folder.describe_environment(data, task.name)
                write_json(new / "environment.json", environment)
                run_folder.save_examples(new, data)
                run_folder.save_model(model, last_checkpoint(new), epochs=0)
                check_reloads(last_checkpoint(new))
                (new / "recipe.toml").write_text(recipe_toml(recipe), encoding="utf-8")
            return folder
        except FileExistsError:
            if out is not None:
                raise
    raise RuntimeError("unreachable: the numbers do not end")
