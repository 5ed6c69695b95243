"""Callbacks of a training: progress, randomness, checks and the history."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from kerasnets._errors import WorkFailedError
from kerasnets._lazy import keras
from kerasnets.engine.loop import Logs, Loop
from kerasnets.training.model_file import count_steps
from kerasnets.training.run_folder import LOG_LOSS, History, without_penalties


class TrainingDivergedError(WorkFailedError, ArithmeticError):
    """The loss is NaN or infinite."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}. Lower the learning rate or rescale the inputs; the weights of the last "
            "complete epoch are kept."
        )


def check_loss(model: keras.Model, logs: Logs, steps_per_epoch: int, offset: int = 0) -> None:
    """Raise an error if the loss is not finite.

    Args:
        model: its optimizer counts the steps.
        logs: logs of the steps so far.
        steps_per_epoch: steps per epoch.
        offset: steps of the training that the optimizer has not counted; negative if the model had
            been trained before.

    Raises:
        TrainingDivergedError: if the loss is not finite; the message says at which step.
    """
    if "loss" in logs and not math.isfinite(loss := float(logs["loss"])):
        epoch, step = divmod(offset + count_steps(model) - 1, steps_per_epoch)
        raise TrainingDivergedError(f"The loss is {loss} at step {step + 1} of epoch {epoch + 1}")


class EpochRandomness(keras.callbacks.Callback):
    """Make the random layers of an epoch depend only on the seed and the number of the epoch.

    A checkpoint does not hold the state of Keras's random generators, so a resumed run would
    otherwise draw other dropout masks than an uninterrupted one.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set every random generator of the model for this epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        for variable in self.model.variables:
            if variable.path.endswith("seed_generator_state"):
                variable.assign(rng.integers(0, 2**31, size=variable.shape))


class Record(keras.callbacks.Callback):
    """Append the logs of each epoch to the history, then let ``save`` write the state to disk."""

    def __init__(self, history: History, save: Callable[[], bool]) -> None:
        """Record into a history.

        Args:
            history: history of the epochs so far.
            save: saves an epoch and returns whether to stop.
        """
        super().__init__()
        self.history_so_far = history
        self.save = save

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record and save; stop the training if ``save`` says so.

        Raises:
            TrainingDivergedError: if a log, such as the validation loss, is not finite. The
                epoch is not saved.
        """
        row = {key: float(value) for key, value in (logs or {}).items()}
        if wrong := {key: value for key, value in row.items() if not math.isfinite(value)}:
            raise TrainingDivergedError(f"After epoch {epoch + 1}, {wrong} is not finite")
        row["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))
        for key, value in row.items():
            self.history_so_far.setdefault(key, []).append(value)
        if self.save():
            self.model.stop_training = True


class Progress(keras.callbacks.Callback):
    """A progress bar over all steps on a terminal, and one line per epoch on standard error."""

    def __init__(self, name: str, epochs: int, first_epoch: int, steps: int, loop: Loop) -> None:
        """Prepare the bar.

        Args:
            name: name of the net.
            epochs: number of epochs of the training.
            first_epoch: first epoch of this session, counted from 0.
            steps: steps per epoch.
            loop: compiles and runs the steps.
        """
        super().__init__()
        self.name, self.epochs, self.first_epoch, self.steps = name, epochs, first_epoch, steps
        self.loop = loop

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Show the bar if standard error is a terminal."""
        self.bar: tqdm[Any] = tqdm(
            total=self.epochs * self.steps,
            initial=self.first_epoch * self.steps,
            desc=self.name,
            unit="step",
            leave=False,
            disable=None,
            dynamic_ncols=True,
        )

    def move(self, steps: int) -> None:
        """Advance the bar by a number of steps."""
        if hasattr(self, "bar"):
            self.bar.update(steps)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the line of the epoch."""
        values = without_penalties({key: [float(value)] for key, value in (logs or {}).items()})
        parts = []
        for prefix, split in (("", "train"), ("val_", "val")):
            names = [name for name in values if name.startswith("val_") == bool(prefix)]
            shown = sorted(names, key=lambda name: not name.endswith("loss"))
            parts.append(
                f"{split} "
                + " ".join(
                    f"{name.removeprefix(prefix)} {values[name][0]:.4f}"
                    for name in shown
                    if not name.endswith(LOG_LOSS)
                )
            )
        tqdm.write(f"epoch {epoch + 1:>3}/{self.epochs}   {'   '.join(parts)}", file=sys.stderr)
        if epoch == self.first_epoch:
            compiler = "XLA" if self.loop.xla else "TensorFlow"
            seconds = self.loop.compile_seconds
            tqdm.write(f"compiled by {compiler} in {seconds:.1f} s", file=sys.stderr)

    def close(self) -> None:
        """Close the bar; needed because Keras does not end a training that raises."""
        if hasattr(self, "bar"):
            self.bar.close()
