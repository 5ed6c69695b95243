"""Run the remaining epochs of a run in one process, save its state, and evaluate it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kerasnets._files import locked, remove_neighbours, write_json
from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.engine.epochs import run_epochs
from kerasnets.engine.loop import Logs, Loop
from kerasnets.evaluation import evaluate, predict_logits
from kerasnets.evaluation.calibration import fit_temperature, scale_logits
from kerasnets.nets import load_model
from kerasnets.training import run_folder
from kerasnets.training.checkpoints import Checkpoints
from kerasnets.training.figures import draw_figures
from kerasnets.training.plan import Plan, padding_text
from kerasnets.training.recipe import Recipe
from kerasnets.training.run import Run
from kerasnets.training.run_folder import History


@dataclass
class Session:
    """The work of one process on a run.

    Attributes:
        folder: the run folder.
        recipe: how to train.
        data: what to train on.
        model: compiled, in the state after the last epoch that is done.
        callbacks: Keras callbacks of the user.
        progress: show a bar and one line per epoch.
        tensorboard: write TensorBoard logs into the run folder.
        history: history of the complete epochs.
        steps: number of steps that this process has run.
    """

    folder: Path
    recipe: Recipe
    data: Dataset
    model: keras.Model
    callbacks: Sequence[Any] = ()
    progress: bool = True
    tensorboard: bool = False
    history: History = field(default_factory=dict, init=False)
    steps: int = field(default=0, init=False)

    def run(self) -> Run:
        """Run the remaining epochs, then evaluate the best one."""
        with locked(self.folder), _explain_resume(self.folder):
            remove_neighbours(self.folder / "checkpoints")
            plan = Plan(self.recipe, self.data)
            done = self._complete_epochs(plan)
            self.history = run_folder.read_history(self.folder, done)
            if not self.is_over:
                self._train(plan, done)
            return self._evaluate()

    @property
    def is_over(self) -> bool:
        """Whether the history shows that training has ended, by its last epoch or early stop."""
        epochs = len(self.history.get("loss", ()))
        if epochs == 0 or epochs >= self.recipe.epochs:
            return epochs > 0
        waited = epochs - run_folder.best_epoch(self.history, self.recipe.monitor)
        return 0 < self.recipe.early_stopping <= waited

    def _complete_epochs(self, plan: Plan) -> int:
        """The number of epochs in the last checkpoint."""
        stored = run_folder.read_epochs(last_checkpoint(self.folder))
        if stored is not None:
            return stored
        # A run that an earlier version of kerasnets began.
        return int(self.model.optimizer.iterations) // plan.schedule.steps_per_epoch

    def _train(self, plan: Plan, done: int) -> None:
        # Imported here, because the module subclasses Keras classes and so imports Keras.
        from kerasnets.training import callbacks as run_callbacks

        if self.progress and (text := padding_text(plan.source)):
            print(text, file=sys.stderr)
        steps_per_epoch = plan.schedule.steps_per_epoch
        offset = done * steps_per_epoch - run_callbacks.count_steps(self.model)

        def after_call(steps: int, logs: Logs) -> None:
            self.steps += steps
            run_callbacks.check_loss(self.model, logs, steps_per_epoch, offset)
            bar.move(steps)

        log, checkpoints = SessionLog(self.folder, done), Checkpoints(self.folder)
        runner = plan.runner(self.model, log.environment.get("xla"), after_call)
        self._check_monitor()
        bar = run_callbacks.Progress(
            self.recipe.net, self.recipe.epochs, done, steps_per_epoch, runner.loop
        )
        record = run_callbacks.Record(
            self.history, lambda: self._save_epoch(log, checkpoints, runner.loop)
        )
        own = [
            run_callbacks.EpochRandomness(self.recipe.seed),
            record,
            *([bar] if self.progress else []),
        ]
        if self.tensorboard:
            logs_folder = self.folder / "tensorboard"
            own.append(keras.callbacks.TensorBoard(logs_folder, write_graph=False))
        callbacks = keras.callbacks.CallbackList(
            [*own, *self.callbacks],
            add_history=True,
            model=self.model,
            verbose=0,
            epochs=self.recipe.epochs,
            steps=steps_per_epoch,
        )
        try:
            run_epochs(
                self.model,
                runner,
                plan.validation(self.model, runner.loop.xla),
                initial_epoch=done,
                epochs=self.recipe.epochs,
                callbacks=callbacks,
            )
        finally:
            bar.close()
            checkpoints.write(self.model)

    def _check_monitor(self) -> None:
        """Refuse a monitor that the user's own metrics do not include, before the first step."""
        if type(self.model).test_step is not keras.Model.test_step:
            return  # its metrics are known only after a validation
        names = {f"val_{name}" for name in self.model.get_metrics_result()}
        if self.recipe.monitor not in names:
            raise run_folder.not_measured(self.recipe.monitor, names)

    def _save_epoch(self, log: SessionLog, checkpoints: Checkpoints, loop: Loop) -> bool:
        """Record an epoch that is done and keep its state; return whether training is over.

        The state is saved last. If the process is killed, the resumed run repeats the epochs since
        the last saved state, with identical results, and records them again.
        """
        epoch, over = len(self.history["loss"]), self.is_over
        log.record(epoch, loop.xla)
        run_folder.write_history(self.folder, self.history)
        best = run_folder.best_epoch(self.history, self.recipe.monitor) == epoch
        checkpoints.keep(self.model, epoch, best=best, over=over)
        return over

    def _evaluate(self) -> Run:
        """Keep the weights of the best epoch, evaluate and draw; the metrics are written last."""
        model = load_model(self.folder / "checkpoints" / "best.keras")
        if self.recipe.calibration == "temperature":
            validation = self.data.validation
            scale_logits(model, fit_temperature(predict_logits(model, validation.x), validation.y))
        run_folder.save_model(model, self.folder / "model.keras")
        environment = run_folder.read_json(self.folder / "environment.json")
        run = Run(self.folder, self.recipe, self.history, {}, environment)
        metrics = evaluate(model, self.data, threshold=self.recipe.threshold, task=run.task)
        run = Run(self.folder, self.recipe, self.history, metrics, environment)
        draw_figures(run, self.data)
        write_json(self.folder / "metrics.json", metrics)
        return run


class SessionLog:
    """The record of one process in ``environment.json``, written at the start and per epoch."""

    def __init__(self, folder: Path, done: int) -> None:
        """Record that a process begins after ``done`` epochs."""
        self.path = folder / "environment.json"
        self.environment = run_folder.read_json(self.path)
        self.done, self.clock = done, time.perf_counter()
        self.environment["sessions"].append(
            {"started": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        self._write(done)

    def record(self, epochs: int, xla: bool) -> None:
        """Record how many epochs are done, and whether XLA compiles the steps."""
        self.environment["xla"] = xla
        self._write(epochs)

    def _write(self, epochs: int) -> None:
        seconds = round(time.perf_counter() - self.clock, 3)
        self.environment["sessions"][-1] |= {"epochs": [self.done + 1, epochs], "seconds": seconds}
        write_json(self.path, self.environment)


@contextmanager
def _explain_resume(folder: Path) -> Iterator[None]:
    """Add the command to resume the run to the message of Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; resume with: kerasnets train --resume {folder}"
        ) from None


def last_checkpoint(folder: Path) -> Path:
    """Return the file with the state after the last complete epoch, optimizer included."""
    return folder / "checkpoints" / "last.keras"
