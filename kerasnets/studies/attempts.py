"""Train a trial under a lease, in a run folder that no other process writes to.

A process that has lost its lease, because it was stopped or cut off, may go on writing for a while.
So the process that takes over copies the run folder and resumes the copy. It ends with the same
bits as an undisturbed training.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kerasnets._files import atomic_folder
from kerasnets._modes import owner_only
from kerasnets.studies.database import DatabaseError, explain_errors
from kerasnets.studies.leases import Lease

_RENEWALS = 3  # per lease
_TEMPORARY = re.compile(r"\.[0-9a-f]{8}-.+")
# Files that another process may still replace are copied in this order. The metrics show that all
# others are complete. A resumed run repeats the epochs after the last checkpoint, so the other
# files may be newer than it, but not older.
_FIRST = ("checkpoints/last.keras", "metrics.json")


class LeaseLostError(Exception):
    """Another process has taken over the trial."""


def attempt_folder(folder: Path, attempt: int) -> Path:
    """Return the run folder of an attempt at a trial.

    Args:
        folder: the run folder of the first attempt.
        attempt: number of the attempt, from 1.
    """
    return folder if attempt == 1 else folder.with_name(f"{folder.name}-attempt-{attempt}")


def run_attempt(
    lease: Lease,
    folder: Path,
    attempt: int,
    train: Callable[[Path, Callable[[], None]], float | None],
) -> float | None:
    """Train a trial, and store its score if the lease is not lost.

    Args:
        lease: a claimed trial.
        folder: the run folder of the first attempt.
        attempt: number of this attempt, from 1.
        train: trains or resumes the run in a folder, and returns the score, or ``None`` if the
            training failed. It gets the folder and a function to call after each epoch, which
            raises :class:`LeaseLostError` if the lease is lost.

    Returns:
        The score; ``None`` if the training failed or the lease was lost.

    Raises:
        DatabaseError: if the database cannot be reached when the score is to be stored. The run
            stays complete, so that the search can be resumed.
    """
    database = lease.database
    started = database.retry(lease.start, lease.seconds)
    if started is None:
        return None
    mine = attempt_folder(folder, attempt)
    earlier = [attempt_folder(folder, number) for number in range(attempt - 1, 0, -1)]
    score = None
    try:
        with _renewed(started) as check:
            if not mine.exists():
                _copy_latest(earlier, mine)
            score = train(mine, check)
    except LeaseLostError:
        pass
    except Exception:
        # The process that has taken over may have removed this run, which can raise any error.
        if database.retry(started.renew, lease.seconds):
            raise
    if database.retry(lambda: started.finish(score), lease.seconds):
        _remove(earlier)
        return score
    if database.retry(started.is_finished, lease.seconds):
        _remove([mine])
    return None


def _copy_latest(folders: Sequence[Path], new: Path) -> None:
    """Copy the first of these folders that has a run."""
    source = next((folder for folder in folders if (folder / "recipe.toml").is_file()), None)
    if source is None:
        return
    names = [str(path.relative_to(source)) for path in sorted(source.rglob("*")) if path.is_file()]
    names = [name for name in names if not _TEMPORARY.fullmatch(Path(name).name)]
    with atomic_folder(new) as copy:
        owner_only(copy)
        for name in sorted(names, key=lambda name: name not in _FIRST):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, copy / name)


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _renewed(lease: Lease) -> Iterator[Callable[[], None]]:
    """Renew a lease in a thread while the block runs.

    Yields:
        A function that raises :class:`LeaseLostError` if the lease is lost.
    """
    ended, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not ended.wait(lease.seconds / _RENEWALS):
            # While the database cannot be reached, nobody else can claim the trial.
            with contextlib.suppress(DatabaseError), explain_errors(lease.database):
                if not lease.renew():
                    lost.set()
                    return

    def check() -> None:
        if lost.is_set():
            raise LeaseLostError(f"Another process has taken over trial {lease.trial}.")

    thread = threading.Thread(target=renew, name=f"lease of trial {lease.trial}", daemon=True)
    thread.start()
    try:
        yield check
    finally:
        ended.set()
        thread.join()
