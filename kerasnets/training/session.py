"""One process's part of a run: the epochs that are left, the state on disk, the measuring."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kerasnets._files import locked, remove_neighbours, write_json
from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.evaluation import evaluate, predict_logits
from kerasnets.evaluation.calibration import fit_temperature, scale_logits
from kerasnets.nets import load_model
from kerasnets.training import run_folder, steps
from kerasnets.training.checkpoints import Checkpoints
from kerasnets.training.figures import draw_figures
from kerasnets.training.recipe import Recipe
from kerasnets.training.run_folder import Run


def run_to_the_end(
    folder: Path,
    recipe: Recipe,
    data: Dataset,
    model: keras.Model,
    callbacks: Sequence[Any],
    progress: bool,
    tensorboard: bool,
) -> Run:
    """Run the epochs that are left, then measure the best one."""
    # Here and not above: callbacks are Keras classes, and only training should import Keras.
    from kerasnets.training import callbacks as ours

    with locked(folder), _told_how_to_go_on(folder):
        remove_neighbours(folder / "checkpoints")
        per_epoch = steps.steps_per_epoch(recipe, data.train)
        first = int(model.optimizer.iterations.numpy()) // per_epoch
        history = run_folder.read_history(folder, first)
        if not _is_over(history, recipe):
            if progress and (note := steps.padding_note(data.train)):
                print(note, file=sys.stderr)
            session, kept = _Session(folder, first), Checkpoints(folder)
            loop = steps.make_loop(model, data.train, recipe, session.environment.get("xla"))
            session.environment["xla"] = loop is not None and loop.xla
            bar = ours.Progress(recipe.net, recipe.epochs, first, per_epoch, loop)
            record = ours.Record(
                history, lambda model: _save_epoch(folder, model, history, recipe, session, kept)
            )
            logs = folder / "tensorboard"
            all_callbacks = [
                ours.EpochRandomness(recipe.seed),
                record,
                *([bar] if progress else []),
                *([keras.callbacks.TensorBoard(logs, write_graph=False)] if tensorboard else []),
                *callbacks,
            ]
            splits = data.train, data.validation
            try:
                steps.run_epochs(model, *splits, recipe, first, all_callbacks, bar.move, loop)
            finally:
                bar.close()
                kept.write(model)
        return _measure(folder, recipe, data, history)


def _save_epoch(
    folder: Path,
    model: keras.Model,
    history: run_folder.History,
    recipe: Recipe,
    session: _Session,
    kept: Checkpoints,
) -> bool:
    """Note an epoch that is done and keep its state; say whether training is over.

    The state comes last: a run that is killed repeats the epochs since the one on disk, bit by
    bit, and notes them again.
    """
    epoch, over = len(history["loss"]), _is_over(history, recipe)
    session.note(epoch)
    run_folder.write_history(folder, history)
    best = run_folder.best_epoch(history, recipe.monitor) == epoch
    kept.keep(model, best=best, over=over)
    return over


def _is_over(history: run_folder.History, recipe: Recipe) -> bool:
    """Whether the last epoch, or the end of patience, has been reached; told by history alone."""
    epochs = len(history.get("loss", ()))
    if epochs == 0 or epochs >= recipe.epochs:
        return epochs > 0
    waited = epochs - run_folder.best_epoch(history, recipe.monitor)
    return 0 < recipe.early_stopping <= waited


def _measure(folder: Path, recipe: Recipe, data: Dataset, history: run_folder.History) -> Run:
    """Keep the best epoch's weights, evaluate and draw; the metrics are written last."""
    model = load_model(folder / "checkpoints" / "best.keras")
    if recipe.calibration == "temperature":
        scale_logits(
            model, fit_temperature(predict_logits(model, data.validation.x), data.validation.y)
        )
    run_folder.save_model(model, folder / "model.keras")
    metrics = evaluate(model, data, threshold=recipe.threshold)
    environment = run_folder.read_json(folder / "environment.json")
    run = Run(folder, recipe, history, metrics, environment)
    draw_figures(run, data)
    write_json(folder / "metrics.json", metrics)
    return run


class _Session:
    """What one process does of a run: noted in the environment at once, and after each epoch."""

    def __init__(self, folder: Path, first: int) -> None:
        """Note that a process begins after ``first`` epochs."""
        self.path = folder / "environment.json"
        self.environment = run_folder.read_json(self.path)
        self.first, self.clock = first, time.perf_counter()
        self.environment["sessions"].append(
            {"started": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        self.note(first)

    def note(self, epochs: int) -> None:
        """Note that this many epochs are done, and in how many seconds here."""
        seconds = round(time.perf_counter() - self.clock, 3)
        self.environment["sessions"][-1] |= {"epochs": [self.first + 1, epochs], "seconds": seconds}
        write_json(self.path, self.environment)


@contextmanager
def _told_how_to_go_on(folder: Path) -> Iterator[None]:
    """Say at Ctrl-C how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; go on with: kerasnets train --resume {folder}"
        ) from None


def last_checkpoint(folder: Path) -> Path:
    """Where the state after the last whole epoch is, with that of the optimizer."""
    return folder / "checkpoints" / "last.keras"
