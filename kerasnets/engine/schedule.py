"""Choose the rows of each step of an epoch."""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kerasnets._lazy import tf
from kerasnets.engine.buckets import Buckets

# True shuffles all rows, "batch" the rows within each batch, as in keras.Model.fit.
Shuffle = bool | Literal["batch"]


@dataclass(frozen=True, eq=False)
class Steps:
    """Rows and buckets of a number of steps.

    Attributes:
        rows: row numbers of each step, int32 of shape ``(steps, batch)``; -1 where a batch is
            smaller.
        buckets: index of the bucket of each step, int32 of shape ``(steps,)``; 0 without buckets.
    """

    rows: np.ndarray
    buckets: np.ndarray

    @functools.cached_property
    def tensors(self) -> tuple[Any, Any]:
        """Rows and buckets as tensors, converted once for all calls that take some of them."""
        return tf.constant(self.rows), tf.constant(self.buckets)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice) -> Steps:
        return Steps(self.rows[index], self.buckets[index])


class EpochSchedule:
    """The steps of each epoch.

    The order of an epoch depends only on the seed and the number of the epoch, so a run that is
    resumed at epoch 7 takes the batches it would have taken without the interruption.
    """

    def __init__(
        self,
        rows: int,
        batch_size: int,
        *,
        buckets: Buckets | None = None,
        shuffle: Shuffle = False,
        seed: int = 0,
    ) -> None:
        """Plan the steps; nothing is shuffled yet.

        Args:
            rows: number of rows.
            batch_size: rows per step. The last, smaller batch is kept; with buckets, the last
                batch of each bucket.
            buckets: buckets of the rows, if they are sequences.
            shuffle: ``True`` for all rows, ``"batch"`` for the rows within each batch, ``False``
                for none. Rows with buckets are shuffled within their bucket, then the batches.
            seed: seed of the shuffling.
        """
        self.rows, self.batch_size, self.buckets = rows, batch_size, buckets
        self.shuffle, self.seed = shuffle, seed
        self._pass = functools.lru_cache(maxsize=1)(self._make_pass)

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps that take every row once."""
        if self.buckets is not None:
            return self.buckets.steps(self.batch_size)
        return math.ceil(self.rows / self.batch_size)

    def epoch(self, number: int) -> Steps:
        """Return all steps of an epoch; epochs count from 0."""
        return self._pass(number)

    def _make_pass(self, number: int) -> Steps:
        if self.buckets is not None:
            rng = np.random.default_rng([self.seed, number]) if self.shuffle else None
            return _bucket_steps(self.buckets, self.batch_size, rng)
        steps = self.steps_per_epoch
        flat = np.full(steps * self.batch_size, -1, np.int32)
        flat[: self.rows] = self._order(number)
        rows = flat.reshape(steps, self.batch_size)
        if self.shuffle == "batch":
            rng = np.random.default_rng([self.seed, number])
            for row in rows:
                row[: (row >= 0).sum()] = rng.permutation(row[row >= 0])
        return Steps(rows, np.zeros(steps, np.int32))

    def _order(self, number: int) -> np.ndarray:
        if self.shuffle is True:
            rows = tf.range(self.rows, dtype=tf.int32)
            return tf.random.experimental.stateless_shuffle(rows, seed=[self.seed, number]).numpy()
        return np.arange(self.rows, dtype=np.int32)


def _bucket_steps(buckets: Buckets, batch_size: int, rng: np.random.Generator | None) -> Steps:
    batches = buckets.batches(batch_size, rng)
    rows = np.full((len(batches), batch_size), -1, np.int32)
    for row, batch in zip(rows, batches, strict=True):
        row[: len(batch)] = batch
    return Steps(rows, buckets.bucket_of[rows[:, 0]].astype(np.int32))


class StepCursor:
    """Takes a fixed number of steps per epoch from a schedule, like ``steps_per_epoch`` in Keras.

    An epoch begins where the previous one ended. At the end of the data, the epoch is shorter, the
    warning of Keras is shown, and the next epoch begins a new pass over the data.
    """

    def __init__(self, schedule: EpochSchedule, steps_per_epoch: int | None) -> None:
        """Begin at the first step; ``None`` makes every epoch one pass over all rows."""
        self.schedule, self.steps_per_epoch = schedule, steps_per_epoch
        self._pass = self._at = 0

    def epoch(self, number: int) -> Steps:
        """Return the steps of the next epoch."""
        if self.steps_per_epoch is None:
            return self.schedule.epoch(number)
        steps = self.schedule.epoch(self._pass)[self._at :][: self.steps_per_epoch]
        if len(steps) < self.steps_per_epoch:
            warnings.warn(_RAN_OUT, stacklevel=2)
        self._at += len(steps)
        if self._at == self.schedule.steps_per_epoch:
            self._pass, self._at = self._pass + 1, 0
        return steps


_RAN_OUT = (
    "Your input ran out of data; interrupting training. Make sure that your data have at least "
    "`steps_per_epoch * epochs` batches, or leave out `steps_per_epoch`."
)
