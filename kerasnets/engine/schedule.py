"""Which rows each step takes: what is handed to compiled steps in place of batches."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from kerasnets._lazy import tf
from kerasnets.data.dataset import Arrays
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.engine.buckets import Buckets, make_buckets

# What one call takes: int32 rows of shape (steps, batch), -1 where a batch is smaller, and int32
# buckets of shape (steps,), which of the padded times each step has; 0 where there is no time.
Piece = tuple[np.ndarray, np.ndarray]


class Shuffled:
    """The pieces of some epochs, one epoch after the other, each made when it is asked for.

    Attributes:
        per_epoch: how many pieces an epoch has.
    """

    def __init__(self, epoch: Callable[[int], list[Piece]], epochs: range, per_epoch: int) -> None:
        """Take what gives the pieces of an epoch by its number, and the numbers."""
        self.per_epoch, self._epochs = per_epoch, epochs
        self._epoch = functools.lru_cache(maxsize=1)(epoch)

    def __len__(self) -> int:
        """The pieces of all epochs."""
        return len(self._epochs) * self.per_epoch

    def __getitem__(self, index: int) -> Piece:
        """A piece by its number, counted over all epochs."""
        epoch, at = divmod(index, self.per_epoch)
        return self._epoch(self._epochs[epoch])[at]


Pieces = Shuffled | list[Piece]


def row_matrices(
    rows: int, batch_size: int, *, seed: int, epochs: range, whole_epochs: bool = True
) -> Shuffled:
    """The shuffled rows of some epochs.

    The order of an epoch depends on the seed and its number alone, so a run that is resumed at
    epoch 7 takes the batches it would have taken. The last, smaller batch is kept; it is a piece
    of its own.

    Args:
        rows: how many there are.
        batch_size: rows a step.
        seed: seed of the shuffling.
        epochs: the numbers of the epochs to give.
        whole_epochs: one piece for all full batches of an epoch, else one for each.
    """

    def shuffled(epoch: int) -> list[Piece]:
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), seed=[seed, epoch])
        return _pieces(order.numpy(), batch_size, whole_epochs)

    full = rows // batch_size
    per_epoch = (min(full, 1) if whole_epochs else full) + (rows % batch_size > 0)
    return Shuffled(shuffled, epochs, per_epoch)


def sequence_matrices(
    buckets: Buckets, batch_size: int, *, seed: int, epochs: range, whole_epochs: bool = True
) -> Shuffled:
    """The same of sequences, in batches of like length.

    Args:
        buckets: of the sequences.
        batch_size: sequences a step, at most.
        seed: seed of the shuffling.
        epochs: the numbers of the epochs to give.
        whole_epochs: one piece for all batches of an epoch, else one for each.
    """
    steps = buckets.steps(batch_size)
    each = steps if whole_epochs else 1

    def shuffled(epoch: int) -> list[Piece]:
        batches = buckets.batches(batch_size, np.random.default_rng([seed, epoch]))
        rows, bucket = _padded(buckets, batches, batch_size)
        return [(rows[at : at + each], bucket[at : at + each]) for at in range(0, steps, each)]

    return Shuffled(shuffled, epochs, steps // each)


def ordered_rows(x: Arrays, rows: int, batch_size: int) -> list[Piece]:
    """Every row once, in order.

    Args:
        x: the inputs; sequences of visits come in buckets of like length.
        rows: how many there are.
        batch_size: rows a step.
    """
    if isinstance(x, VisitSequences):
        buckets = make_buckets(x.lengths)
        return [_padded(buckets, buckets.batches(batch_size), batch_size)]
    return _pieces(np.arange(rows, dtype=np.int32), batch_size, whole=True)


def _pieces(order: np.ndarray, batch_size: int, whole: bool) -> list[Piece]:
    """Rows in some order: the full batches in one piece or one each, and the rest."""
    full = len(order) // batch_size * batch_size
    batches, rest = order[:full].reshape(-1, batch_size), order[full:].reshape(1, -1)
    parts = [batches] if whole else [batches[at : at + 1] for at in range(len(batches))]
    return [(part, np.zeros(len(part), np.int32)) for part in (*parts, rest) if part.size]


def _padded(buckets: Buckets, batches: Sequence[np.ndarray], batch_size: int) -> Piece:
    rows = np.full((len(batches), batch_size), -1, np.int32)
    for row, batch in zip(rows, batches, strict=True):
        row[: len(batch)] = batch
    times = [buckets.time(batch) for batch in batches]
    return rows, np.searchsorted(buckets.times, times).astype(np.int32)
