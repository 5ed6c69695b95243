"""Run the remaining epochs of a run in one process, save its state, and evaluate it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasnets._errors import WriteError
from kerasnets._files import write_json
from kerasnets._lazy import keras
from kerasnets._tables import wrapped
from kerasnets._temporary import remove_leftovers
from kerasnets._worker import preload, submit
from kerasnets.data import Dataset
from kerasnets.engine.epochs import run_epochs
from kerasnets.engine.loop import Logs
from kerasnets.evaluation import predict_logits
from kerasnets.evaluation.calibration import fit_temperature, scale_logits
from kerasnets.nets import load_model
from kerasnets.training import run_folder
from kerasnets.training.checkpoints import Checkpoints
from kerasnets.training.identity import RunIdentity
from kerasnets.training.model_file import best_checkpoint, count_steps, save_final_model
from kerasnets.training.plan import Plan, plan_notes
from kerasnets.training.recipe import Recipe
from kerasnets.training.report import (
    IMPORTS,
    About,
    collect_results,
    draw_learning_curves,
    write_report,
)
from kerasnets.training.run import Run
from kerasnets.training.run_folder import History
from kerasnets.training.session_log import SessionLog
from kerasnets.training.stored import checksum_of, read_environment, read_history


@dataclass
class Session:
    """The work of one process on a run.

    Attributes:
        folder: the run folder, locked by this process.
        recipe: how to train.
        data: what to train on.
        model: compiled, in the state after the last epoch that is done.
        callbacks: Keras callbacks of the user.
        progress: show a bar and one line per epoch.
        tensorboard: write TensorBoard logs into the run folder.
        figures: draw the figures of the run.
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
    figures: bool = True
    history: History = field(default_factory=dict, init=False)
    steps: int = field(default=0, init=False)

    def run(self) -> Run:
        """Run the remaining epochs, then evaluate the best one.

        Raises:
            ValueError: if the files in the run folder do not belong together.
        """
        preload(IMPORTS if self.figures else IMPORTS[:1])
        with _explain_resume(self.folder):
            remove_leftovers(self.folder)
            start = read_environment(self.folder).get("start", "")
            self.identity = RunIdentity.of(self.recipe, self.data, start)
            history = read_history(self.folder)
            done = self.identity.check_files(self.folder, self.model, history)
            self.history = run_folder.first_epochs(history, done)
            if not self.is_over:
                self._train(done)
            return self._evaluate()

    @property
    def is_over(self) -> bool:
        """Whether the history shows that training has ended, by its last epoch or early stop."""
        epochs = len(self.history.get("loss", ()))
        if epochs == 0 or epochs >= self.recipe.epochs:
            return epochs > 0
        waited = epochs - run_folder.best_epoch(self.history, self.recipe.monitor)
        return 0 < self.recipe.early_stopping <= waited

    def _train(self, done: int) -> None:
        # Imported here, because the module subclasses Keras classes and so imports Keras.
        from kerasnets.training import callbacks as run_callbacks

        plan = Plan(self.recipe, self.data)
        if self.progress:
            for note in plan_notes(plan.source, self.recipe.batch_size):
                print(wrapped(note), file=sys.stderr)
        steps_per_epoch = plan.schedule.steps_per_epoch
        offset = done * steps_per_epoch - count_steps(self.model)

        def after_call(steps: int, logs: Logs) -> None:
            self.steps += steps
            run_callbacks.check_loss(self.model, logs, steps_per_epoch, offset)
            bar.move(steps)

        log = SessionLog(self.folder, done)
        runner = plan.runner(self.model, log.environment.get("xla"), after_call)
        self._check_monitor()

        def save_progress(epochs: int) -> None:
            log.record(epochs, runner.loop.xla)
            run_folder.write_history(self.folder, run_folder.first_epochs(self.history, epochs))

        checkpoints = Checkpoints(
            self.folder,
            save_progress,
            lambda kind, epochs, steps: self.identity.state(kind, epochs, steps, self.history),
        )
        bar = run_callbacks.Progress(
            self.recipe.net, self.recipe.epochs, done, steps_per_epoch, runner.loop
        )
        record = run_callbacks.Record(self.history, lambda: self._save_epoch(checkpoints))
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

    def _save_epoch(self, checkpoints: Checkpoints) -> bool:
        """Keep the state of an epoch that is done; return whether training is over."""
        epoch, over = len(self.history["loss"]), self.is_over
        best = run_folder.best_epoch(self.history, self.recipe.monitor) == epoch
        checkpoints.keep(self.model, epoch, best=best, over=over)
        return over

    def _evaluate(self) -> Run:
        """Keep the weights of the best epoch, evaluate and draw; the metrics are written last."""
        self.identity.check_best(self.folder, self.history)
        environment = read_environment(self.folder)
        task = environment.get("task", "classification")
        about = About.of(self.recipe, task, self.data)
        figures = self.folder / "figures" if self.figures else None
        curves = submit(draw_learning_curves, about, self.history, figures) if figures else None
        model = load_model(best_checkpoint(self.folder))
        if self.recipe.calibration == "temperature":
            validation = self.data.validation
            scale_logits(model, fit_temperature(predict_logits(model, validation.x), validation.y))
        best = run_folder.best_epoch(self.history, self.recipe.monitor)
        rate = self.history["learning_rate"][best - 1]
        results = collect_results(task, model, self.data)
        report = submit(write_report, about, results, figures)
        save_final_model(model, self.folder / "model.keras", rate)
        environment["model"] = checksum_of(self.folder / "model.keras")
        write_json(self.folder / "environment.json", environment)
        if curves is not None:
            curves.result()
        metrics = report.result()
        write_json(self.folder / "metrics.json", metrics)
        return Run(self.folder, self.recipe, self.history, metrics, environment)


@contextmanager
def _explain_resume(folder: Path) -> Iterator[None]:
    """Add the command to resume the run to the message of Ctrl-C and of a full disk."""
    command = f"resume with: kerasnets train --resume {folder}"
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise type(interrupt)(f"interrupted; {command}") from None
    except WriteError as error:
        error.args = (f"{error} Then {command}",)
        raise
