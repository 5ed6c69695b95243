"""Sources of batches for compiled steps: arrays, ragged sequences, and inputs with labels.

A source holds the rows of a data set. It returns the tensors that a compiled step needs
(:meth:`Source.tensors`) and builds a batch from them inside the step (:meth:`Source.gather`), so
that nothing is copied from NumPy for each batch.
"""

from __future__ import annotations

import abc
import copy
import functools
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets.engine.buckets import Buckets, make_buckets


class Source(abc.ABC):
    """Rows from which compiled steps take their batches.

    A batch is whatever nested structure of tensors the model takes.
    """

    @abc.abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def lengths(self) -> np.ndarray | None:
        """Length of each row, int32 of shape ``(n,)``; ``None`` if rows have no length."""
        return None

    @functools.cached_property
    def buckets(self) -> Buckets | None:
        """Buckets of rows of similar length; ``None`` if rows have no length."""
        return None if self.lengths is None else make_buckets(self.lengths)

    @property
    def arrays(self) -> Sequence[Any]:
        """Arrays of the user, whose values were not checked."""
        return ()

    @property
    @abc.abstractmethod
    def nbytes(self) -> int:
        """Size in bytes of all :meth:`tensors`."""

    @property
    def can_be_resident(self) -> bool:
        """Whether all :meth:`tensors` can be made at once, if they fit in memory."""
        return True

    @abc.abstractmethod
    def batch_spec(self) -> Any:
        """Return a ``tf.TensorSpec`` per tensor of a batch, with ``None`` for sizes that vary."""

    @abc.abstractmethod
    def take(self, rows: np.ndarray | slice, length: int | None = None) -> Any:
        """Return some rows as NumPy arrays.

        Args:
            rows: row numbers.
            length: padded length of sequences; that of the longest row by default.
        """

    @abc.abstractmethod
    def tensors(self, rows: np.ndarray | None = None) -> tuple[Any, ...]:
        """Return the tensors that :meth:`gather` needs, for ``rows`` or for all rows."""

    @abc.abstractmethod
    def gather(self, tensors: tuple[Any, ...], rows: Any, length: Any) -> Any:
        """Build a batch; called while a step is traced.

        Args:
            tensors: the result of :meth:`tensors`.
            rows: row numbers, an int32 tensor of shape ``(batch,)``.
            length: padded length, an integer or a scalar tensor; ignored without lengths.
        """

    def form(self) -> Source:
        """Return a source for :meth:`gather` to use in tracing, without the rows if possible."""
        return self

    @abc.abstractmethod
    def key(self) -> Hashable:
        """Return a key that is equal for sources that can share a compiled step."""


class ArraySource(Source):
    """A nested structure of arrays whose first axis is the rows; leaves may be ``None``."""

    def __init__(self, structure: Any) -> None:
        """Wrap arrays or tensors without copying them.

        Args:
            structure: an array, or a tuple or dict of arrays, of equal length.

        Raises:
            ValueError: if there is no array or the lengths differ.
        """
        self.structure = structure
        self.leaves = [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]
        lengths = sorted({int(leaf.shape[0]) for leaf in self.leaves})
        if len(lengths) != 1:
            raise ValueError(f"All arrays must have the same number of rows, got {lengths}.")
        self._rows = lengths[0]

    def __len__(self) -> int:
        return self._rows

    @property
    def arrays(self) -> Sequence[Any]:
        """All arrays."""
        return self.leaves

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(tf.as_dtype(a.dtype).size * int(np.prod(a.shape)) for a in self.leaves)

    def batch_spec(self) -> Any:
        """Return the shapes of the arrays with any number of rows."""
        return self._map(lambda a: tf.TensorSpec((None, *a.shape[1:]), a.dtype))

    def take(self, rows: np.ndarray | slice, length: int | None = None) -> Any:
        """Return some rows of each array."""
        return self._map(lambda array: np.asarray(array)[rows])

    def tensors(self, rows: np.ndarray | None = None) -> tuple[Any, ...]:
        """Return one tensor per array."""
        index = slice(None) if rows is None else rows
        return tuple(
            leaf if rows is None and tf.is_tensor(leaf) else tf.constant(np.asarray(leaf)[index])
            for leaf in self.leaves
        )

    def gather(self, tensors: tuple[Any, ...], rows: Any, length: Any) -> Any:
        """Gather the rows of each array."""
        remaining = iter(tensors)
        return self._map(lambda _: tf.gather(next(remaining), rows))

    def form(self) -> ArraySource:
        """Return a source of the same structure without the arrays."""
        form = copy.copy(self)
        form.structure, form.leaves = self.batch_spec(), [None] * len(self.leaves)
        return form

    def key(self) -> Hashable:
        """Return the structure with the shape and type of each row."""
        return repr(self.batch_spec())

    def _map(self, function: Any) -> Any:
        return keras.tree.map_structure(
            lambda leaf: None if leaf is None else function(leaf), self.structure
        )


class Examples(Source):
    """Inputs with labels and optional sample weights, as batches ``(x, y[, weights])``."""

    def __init__(self, inputs: Source, *labels: Any) -> None:
        """Combine a source of inputs with structures of arrays of the same length."""
        self.inputs, self.labels = inputs, ArraySource(labels)
        if len(inputs) != len(self.labels):
            raise ValueError(f"There are {len(inputs)} inputs and {len(self.labels)} labels.")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def lengths(self) -> np.ndarray | None:
        """Length of each row of the inputs."""
        return self.inputs.lengths

    @functools.cached_property
    def buckets(self) -> Buckets | None:
        """The buckets of the inputs."""
        return self.inputs.buckets

    @property
    def nbytes(self) -> int:
        """Bytes of inputs and labels."""
        return self.inputs.nbytes + self.labels.nbytes

    @property
    def can_be_resident(self) -> bool:
        """Whether all inputs can be."""
        return self.inputs.can_be_resident

    def batch_spec(self) -> Any:
        """Return the specs of inputs and labels."""
        return (self.inputs.batch_spec(), *self.labels.batch_spec())

    def take(self, rows: np.ndarray | slice, length: int | None = None) -> Any:
        """Return some rows of inputs and labels."""
        return (self.inputs.take(rows, length), *self.labels.take(rows))

    def tensors(self, rows: np.ndarray | None = None) -> tuple[Any, ...]:
        """Return the tensors of the labels, then those of the inputs."""
        return (*self.labels.tensors(rows), *self.inputs.tensors(rows))

    def gather(self, tensors: tuple[Any, ...], rows: Any, length: Any) -> Any:
        """Build inputs and labels of a batch."""
        count = len(self.labels.leaves)
        inputs = self.inputs.gather(tensors[count:], rows, length)
        return (inputs, *self.labels.gather(tensors[:count], rows, length))

    def form(self) -> Examples:
        """Return the same inputs and labels without the rows of arrays."""
        form = copy.copy(self)
        form.inputs, form.labels = self.inputs.form(), self.labels.form()
        return form

    def key(self) -> Hashable:
        """Return the keys of inputs and labels."""
        return self.inputs.key(), self.labels.key()


def as_source(x: Any) -> Source:
    """Return a source of inputs: ``x`` itself if it is one, else its arrays."""
    if isinstance(x, Source):
        return x
    return ArraySource(dict(x) if hasattr(x, "keys") else x)
