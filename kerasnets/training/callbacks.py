"""What happens beside the steps: progress, randomness and the state on disk."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from kerasnets._lazy import keras
from kerasnets.engine.loop import Loop, TrainingDivergedError
from kerasnets.training.run_folder import History, without_penalties


class EpochRandomness(keras.callbacks.Callback):
    """Make dropout of an epoch depend on the seed and the epoch's number alone.

    A checkpoint does not hold the state of Keras's random generators, so a resumed run would
    otherwise draw other masks than an uninterrupted one.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set every random generator of the model for this epoch."""
        draw = np.random.default_rng([self.seed, epoch])
        for variable in self.model.variables:
            if variable.path.endswith("seed_generator_state"):
                variable.assign(draw.integers(0, 2**31, size=variable.shape))


class Record(keras.callbacks.Callback):
    """Append each epoch's figures to the history, then let ``save`` put the state on disk."""

    def __init__(self, history: History, save: Callable[[Any], bool]) -> None:
        """Take the history so far and what saves an epoch; ``save`` tells whether to stop."""
        super().__init__()
        self.history_so_far = history
        self.save = save

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record and save; stop the training where ``save`` says so.

        Raises:
            TrainingDivergedError: if a figure of the epoch, such as the validation loss, is not
                finite; nothing of the epoch is kept.
        """
        row = {key: float(value) for key, value in (logs or {}).items()}
        if wrong := {key: value for key, value in row.items() if not math.isfinite(value)}:
            raise TrainingDivergedError(f"After epoch {epoch + 1}, {wrong} is not finite")
        row["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))
        for key, value in row.items():
            self.history_so_far.setdefault(key, []).append(value)
        if self.save(self.model):
            self.model.stop_training = True


class Progress(keras.callbacks.Callback):
    """A bar over all steps on a terminal, and a line for each epoch everywhere."""

    def __init__(
        self, name: str, epochs: int, first_epoch: int, steps: int, loop: Loop | None = None
    ) -> None:
        """Take net, epochs, the first one here, steps an epoch, and what runs and compiles them."""
        super().__init__()
        self.name, self.epochs, self.first_epoch, self.steps = name, epochs, first_epoch, steps
        self.loop = loop

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Open the bar where standard error is a terminal."""
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
        """Move the bar by some steps."""
        if hasattr(self, "bar"):
            self.bar.update(steps)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the epoch's line."""
        figures = without_penalties({key: [float(value)] for key, value in (logs or {}).items()})
        parts = [
            f"{'val' if prefix else 'train'} loss {figures[prefix + 'loss'][0]:.4f} "
            f"accuracy {figures[prefix + 'accuracy'][0]:.4f}"
            for prefix in ("", "val_")
        ]
        tqdm.write(f"epoch {epoch + 1:>3}/{self.epochs}   {'   '.join(parts)}", file=sys.stderr)
        if epoch == self.first_epoch and self.loop:
            by = "XLA" if self.loop.xla else "TensorFlow"
            tqdm.write(f"{by} compiled it in {self.loop.compiling:.1f} s", file=sys.stderr)

    def close(self) -> None:
        """Close the bar; needed because Keras does not end a training that raises."""
        if hasattr(self, "bar"):
            self.bar.close()
