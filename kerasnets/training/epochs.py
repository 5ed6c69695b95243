"""Run the epochs of a recipe, with the callbacks that every process of a training needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.engine.epochs import run_epochs, wants_batches
from kerasnets.engine.loop import Logs
from kerasnets.training import run_folder
from kerasnets.training.model_file import count_steps
from kerasnets.training.plan import Plan
from kerasnets.training.recipe import Recipe
from kerasnets.training.run_folder import History


def is_over(recipe: Recipe, history: History) -> bool:
    """Whether a history shows that training has ended, by its last epoch or early stop."""
    epochs = len(history.get("loss", ()))
    if epochs == 0 or epochs >= recipe.epochs:
        return epochs > 0
    waited = epochs - run_folder.best_epoch(history, recipe.monitor)
    return 0 < recipe.early_stopping <= waited


class EpochRunner:
    """The remaining epochs of a training.

    Attributes:
        done: number of epochs that were done before.
        steps: number of steps that have run.
        runner: runs the steps of an epoch.
    """

    def __init__(
        self, model: keras.Model, plan: Plan, history: History, xla: bool | None = None
    ) -> None:
        """Compile the steps.

        Args:
            model: compiled, in the state after the last epoch that is done.
            plan: how to train.
            history: history of the epochs that are done. Each epoch is appended.
            xla: whether a resumed run has used XLA so far; ``None`` for a new run.

        Raises:
            ValueError: if the monitor of the recipe is not measured, or several workers cannot
                train the model.
        """
        self.model, self.plan, self.history = model, plan, history
        self.done = len(history.get("loss", ()))
        self.steps = 0
        self.steps_per_epoch = plan.schedule.steps_per_epoch
        self._offset = self.done * self.steps_per_epoch - count_steps(model)
        self._on_steps: Callable[[int], object] = lambda steps: None
        self.runner = plan.runner(model, xla, self._after_call)
        self._check_monitor()

    def run(
        self,
        save_epoch: Callable[[], bool],
        *,
        callbacks: Sequence[Any] = (),
        on_steps: Callable[[int], object] = lambda steps: None,
    ) -> None:
        """Run the epochs.

        Args:
            save_epoch: saves an epoch that is in the history, and returns whether to stop.
            callbacks: other Keras callbacks.
            on_steps: called with the number of steps of each compiled call.

        Raises:
            TrainingDivergedError: if the loss is not finite.
            ValueError: if a callback has methods for batches, and there are several workers.
        """
        # Imported here, because the module subclasses Keras classes and so imports Keras.
        from kerasnets.training import callbacks as run_callbacks

        recipe, group = self.plan.recipe, self.plan.group
        if group is not None:
            _refuse_batch_methods(callbacks)
        own: list[Any] = [
            run_callbacks.EpochRandomness(recipe.seed, group.index if group else 0),
            run_callbacks.Record(self.history, save_epoch),
            *callbacks,
        ]
        if group is not None:
            own.append(run_callbacks.StopTogether(group))
        callback_list = keras.callbacks.CallbackList(
            own,
            add_history=True,
            model=self.model,
            verbose=0,
            epochs=recipe.epochs,
            steps=self.steps_per_epoch,
        )
        self._on_steps = on_steps
        validation = self.plan.validation(self.model, self.runner.loop.xla)
        if group is None:

            def trace_the_rest() -> None:
                self.runner.trace_epoch()
                validation.trace()

            # TensorFlow takes a second or more for the first call, and Python has time.
            self.runner.loop.meanwhile = trace_the_rest
        run_epochs(
            self.model,
            self.runner,
            validation,
            initial_epoch=self.done,
            epochs=recipe.epochs,
            callbacks=callback_list,
        )

    def _after_call(self, steps: int, logs: Logs) -> None:
        from kerasnets.training.callbacks import check_loss

        self.steps += steps
        check_loss(self.model, logs, self.steps_per_epoch, self._offset)
        self._on_steps(steps)

    def _check_monitor(self) -> None:
        """Refuse a monitor that the user's own metrics do not include, before the first step."""
        if type(self.model).test_step is not keras.Model.test_step:
            return  # its metrics are known only after a validation
        names = {f"val_{name}" for name in self.model.get_metrics_result()}
        if self.plan.recipe.monitor not in names:
            raise run_folder.not_measured(self.plan.recipe.monitor, names)


def _refuse_batch_methods(callbacks: Sequence[Any]) -> None:
    """Refuse callbacks that could stop one of several workers within an epoch."""
    # TensorBoard has such methods, but does not stop the training.
    checked = [each for each in callbacks if not isinstance(each, keras.callbacks.TensorBoard)]
    for kind in ("train", "test"):
        if wants_batches(keras.callbacks.CallbackList(checked, add_history=False), kind):
            raise ValueError(
                "A callback has methods for batches, which cannot run with several workers, "
                "because each worker has other rows. Use methods for epochs."
            )
