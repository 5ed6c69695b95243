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
from kerasnets._worker import submit
from kerasnets.data import Dataset
from kerasnets.engine.collectives import Group
from kerasnets.evaluation import predict_logits
from kerasnets.evaluation.calibration import fit_temperature, scale_logits
from kerasnets.nets import load_model
from kerasnets.training import run_folder
from kerasnets.training.checkpoints import Checkpoints
from kerasnets.training.epochs import EpochRunner, is_over
from kerasnets.training.identity import RunIdentity
from kerasnets.training.model_file import best_checkpoint, save_final_model
from kerasnets.training.plan import Plan, plan_notes
from kerasnets.training.recipe import Recipe
from kerasnets.training.report import About, collect_results, write_report
from kerasnets.training.run import Run
from kerasnets.training.run_folder import History
from kerasnets.training.session_log import SessionLog
from kerasnets.training.stored import checksum_of, read_environment, read_history
from kerasnets.training.workers import check_equal, send_results, send_start


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
        group: the workers that train together, of which this is the first; ``None`` for this
            process alone.
        history: history of the complete epochs.
        epochs: runs the epochs, once the steps are compiled.
    """

    folder: Path
    recipe: Recipe
    data: Dataset
    model: keras.Model
    callbacks: Sequence[Any] = ()
    progress: bool = True
    tensorboard: bool = False
    figures: bool = True
    group: Group | None = None
    history: History = field(default_factory=dict, init=False)
    epochs: EpochRunner | None = field(default=None, init=False)

    def run(self) -> Run:
        """Run the remaining epochs, then evaluate the best one.

        Raises:
            ValueError: if the files in the run folder do not belong together.
        """
        with _explain_resume(self.folder):
            remove_leftovers(self.folder)
            start = read_environment(self.folder).get("start", "")
            self.identity = RunIdentity.of(self.recipe, self.data, start)
            history = read_history(self.folder)
            done = self.identity.check_files(self.folder, self.model, history)
            self.history = run_folder.first_epochs(history, done)
            over = is_over(self.recipe, self.history)
            if self.group is not None:
                send_start(self.group, self.folder, self.recipe, self.history, over=over)
            if not over:
                if self.group is not None:
                    check_equal(self.group, self.recipe, self.data)
                self._train()
            run = self._evaluate()
            if self.group is not None:
                send_results(self.group, run)
            return run

    @property
    def steps(self) -> int:
        """Number of steps that this process has run."""
        return self.epochs.steps if self.epochs else 0

    def _train(self) -> None:
        # Imported here, because the module subclasses Keras classes and so imports Keras.
        from kerasnets.training.callbacks import Progress

        plan = Plan(self.recipe, self.data, self.group)
        if self.progress:
            for note in plan_notes(plan.source, self.recipe.batch_size):
                print(wrapped(note), file=sys.stderr)
        done = len(self.history.get("loss", ()))
        log = SessionLog(self.folder, done, self.group.workers if self.group else None)
        self.epochs = epochs = EpochRunner(
            self.model, plan, self.history, log.environment.get("xla")
        )
        loop = epochs.runner.loop

        def save_progress(epochs: int) -> None:
            log.record(epochs, loop.xla)
            run_folder.write_history(self.folder, run_folder.first_epochs(self.history, epochs))

        checkpoints = Checkpoints(
            self.folder,
            save_progress,
            lambda kind, epochs, steps: self.identity.state(kind, epochs, steps, self.history),
        )
        bar = Progress(self.recipe.net, self.recipe.epochs, done, epochs.steps_per_epoch, loop)
        own: list[Any] = [bar] if self.progress else []
        if self.tensorboard:
            logs_folder = self.folder / "tensorboard"
            own.append(keras.callbacks.TensorBoard(logs_folder, write_graph=False))
        try:
            epochs.run(
                lambda: self._save_epoch(checkpoints),
                callbacks=[*own, *self.callbacks],
                on_steps=bar.move,
            )
        finally:
            bar.close()
            checkpoints.write(self.model)

    def _save_epoch(self, checkpoints: Checkpoints) -> bool:
        """Keep the state of an epoch that is done; return whether training is over."""
        epoch, over = len(self.history["loss"]), is_over(self.recipe, self.history)
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
        model = load_model(best_checkpoint(self.folder))
        if self.recipe.calibration == "temperature":
            validation = self.data.validation
            scale_logits(model, fit_temperature(predict_logits(model, validation.x), validation.y))
        best = run_folder.best_epoch(self.history, self.recipe.monitor)
        rate = self.history["learning_rate"][best - 1]
        results = collect_results(task, model, self.data)
        report = submit(write_report, about, self.history, results, figures)
        save_final_model(model, self.folder / "model.keras", rate)
        environment["model"] = checksum_of(self.folder / "model.keras")
        write_json(self.folder / "environment.json", environment)
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
