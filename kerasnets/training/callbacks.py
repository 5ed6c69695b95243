"""Callbacks of a training: progress, randomness, checks and the history."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from kerasnets._errors import WorkFailedError
from kerasnets._lazy import keras
from kerasnets._progress import progress_bar, progress_stream
from kerasnets.engine.collectives import Group
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

    def __init__(self, seed: int, worker: int = 0) -> None:
        """Draw from a seed.

        Args:
            seed: seed of the recipe.
            worker: index of this worker, because other rows need other masks.
        """
        super().__init__()
        self.seed, self.worker = seed, worker

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set every random generator of the model for this epoch."""
        # NumPy ignores zeros at the end, so the first worker draws what one process draws.
        rng = np.random.default_rng([self.seed, epoch, self.worker])
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


class StopTogether(keras.callbacks.Callback):
    """Stop all workers after an epoch if a callback stops one of them."""

    def __init__(self, group: Group) -> None:
        super().__init__()
        self.group = group

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Ask all workers; called after all other callbacks."""
        self.model.stop_training = bool(self.group.maximum(int(self.model.stop_training)))


def epoch_line(epoch: int, epochs: int, logs: Mapping[str, float]) -> str:
    """The line of an epoch: loss and metrics of the training and the validation split.

    With one metric it has at most 80 characters.

    Args:
        epoch: the epoch, counted from 0.
        epochs: number of epochs of the training.
        logs: the logs of the epoch.
    """
    values = without_penalties({name: [float(value)] for name, value in logs.items()})
    parts = []
    for prefix in ("", "val_"):
        names = [name for name in values if name.startswith("val_") == bool(prefix)]
        shown = sorted(names, key=lambda name: not name.endswith("loss"))
        parts.append(
            " ".join(
                f"{name.removeprefix(prefix)} {_number(values[name][0])}"
                for name in shown
                if not name.endswith(LOG_LOSS)
            )
        )
    number = f"{epoch + 1:>{len(str(epochs))}}/{epochs}"
    return f"epoch {number}  {parts[0]}  val {parts[1]}"


def _number(value: float) -> str:
    """Four decimals, or fewer for large values."""
    decimals = max(0, 5 - len(str(int(abs(value)))))
    return f"{value:.{decimals}f}"


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
        self.bar = progress_bar(
            self.epochs * self.steps,
            self.name,
            "step",
            initial=self.first_epoch * self.steps,
            leave=False,
            lines=False,  # there is one line per epoch
        )

    def move(self, steps: int) -> None:
        """Advance the bar by a number of steps."""
        if hasattr(self, "bar"):
            self.bar.update(steps)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the line of the epoch."""
        self._write(epoch_line(epoch, self.epochs, logs or {}))
        if epoch == self.first_epoch:
            compiler = "XLA" if self.loop.xla else "TensorFlow"
            self._write(f"compiled by {compiler} in {self.loop.compile_seconds:.1f} s")

    def _write(self, line: str) -> None:
        """Write a line above the bar."""
        self.bar.write(line, file=progress_stream())

    def close(self) -> None:
        """Close the bar; needed because Keras does not end a training that raises."""
        if hasattr(self, "bar"):
            self.bar.close()
