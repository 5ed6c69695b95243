"""What the workers of a training exchange: gradients in a step, and their state after an epoch.

Each worker runs the model's own step on its rows of the batch. The loss of a step is the mean over
its rows, so each worker scales its loss by its share of the rows of the whole batch. The sum of the
gradients of all workers is then the gradient of the whole batch. It is one operation inside the
optimizer's update: all gradients are joined to one vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets._patching import patched
from kerasnets.engine.collectives import Group
from kerasnets.engine.vector_sums import sum_vector

Step = Callable[[Any], dict[str, Any]]


class Exchange:
    """The exchange of one training between its workers.

    Attributes:
        group: the connected workers.
        average_every: 0 to sum the gradients in each update; a number of steps to let each worker
            train alone, and average the weights after that number of steps.
        loss: the sum of the losses of the epoch so far over all workers, as of the last exchange.
            It is not finite on any worker if it is not finite on one of them, so all stop after
            the same step.
    """

    def __init__(self, model: keras.Model, group: Group, average_every: int = 0) -> None:
        self.model, self.group, self.average_every = model, group, average_every
        self.loss = tf.Variable(0.0, trainable=False)
        self._share: Any = 1.0

    def own_rows(self, rows: Any) -> tuple[Any, Any]:
        """Return the first and the last of the rows of a batch that this worker takes.

        Args:
            rows: number of rows of the batch, as a number or a tensor.
        """
        index, size = self.group.index, self.group.size
        return rows * index // size, rows * (index + 1) // size

    @contextmanager
    def traced(self) -> Iterator[None]:
        """Trace the steps of the model with the exchange while the block runs."""
        optimizer = self.model.optimizer
        scale_loss, clip_gradients = optimizer.scale_loss, optimizer._clip_gradients
        # Every update of Keras clips the gradients first, with accumulation only every few steps.
        with patched(
            (optimizer, "scale_loss", lambda loss: scale_loss(loss * self._share)),
            (optimizer, "_clip_gradients", lambda grads: clip_gradients(self._summed(grads))),
        ):
            yield

    def step(self, rows: Any, run: Step) -> dict[str, Any]:
        """Trace a step of this worker.

        A batch with fewer rows than workers leaves none for some of them. They run the step on its
        first row, with a loss of weight 0, and keep their metrics and statistics.

        Args:
            rows: row numbers of the whole batch, an int32 tensor of shape ``(batch,)``.
            run: traces the step of the model on some of the rows.
        """
        count = tf.size(rows)
        first, last = self.own_rows(count)
        is_empty = first == last
        self._share = tf.cast(last - first, tf.float32) / tf.cast(count, tf.float32)
        if self.average_every:
            self._share = tf.where(is_empty, 0.0, 1.0)
        kept = [v.value for v in (*self.model.metrics_variables, *_statistics(self.model))]
        before = [tf.identity(variable) for variable in kept]
        logs = run(rows[tf.where(is_empty, 0, first) : tf.where(is_empty, 1, last)])
        for variable, value in zip(kept, before, strict=True):
            variable.assign(tf.where(is_empty, value, variable))
        if self.average_every:
            steps = self.model.optimizer._iterations.value
            tf.cond(steps % self.average_every == 0, self._average_weights, lambda: None)
        return logs

    def agreed_logs(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Return the logs of this worker with the loss that all workers agree on.

        Args:
            logs: the metrics of this worker, traced after the steps.
        """
        return logs | {"loss": self.loss.read_value()}

    def is_finite(self) -> Any:
        """Whether the loss of the epoch so far is finite on all workers, as a tensor."""
        return tf.math.is_finite(self.loss.read_value())

    def average_state(self) -> None:
        """Average what differs between the workers after an epoch.

        These are the statistics of batch normalization, gradients that are accumulated, and with
        ``average_every`` the weights and the whole state of the optimizer. Equal values stay as
        they are to the bit, because the sum is computed in float64.
        """
        optimizer = self.model.optimizer
        variables = _statistics(self.model)
        if self.average_every:
            variables += self.model.trainable_variables
        if self.average_every or optimizer.gradient_accumulation_steps:
            variables += _floats(optimizer.variables)
        _assign(variables, self.group.sum(_joined(variables)) / self.group.size)

    def _summed(self, gradients: Sequence[Any]) -> list[Any]:
        """Sum the gradients over the workers, unless each worker trains alone."""
        if self.average_every:
            return list(gradients)
        return self._sum_tensors([tf.convert_to_tensor(gradient) for gradient in gradients])

    def _average_weights(self) -> None:
        weights = [variable.value for variable in self.model.trainable_variables]
        summed = self._sum_tensors([tf.identity(weight) for weight in weights])
        for weight, total in zip(weights, summed, strict=True):
            weight.assign(total / self.group.size)

    def _sum_tensors(self, tensors: Sequence[Any]) -> list[Any]:
        """Sum tensors over the workers in one operation per type, and the loss with them."""
        summed = list(tensors)
        sizes = [int(np.prod(variable.shape)) for variable in self.model.trainable_variables]
        largest = sum(sizes) + 1  # with the loss
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            places = [at for at, tensor in enumerate(tensors) if tensor.dtype == dtype]
            parts = [tensors[at] for at in places]
            loss = tf.reshape(tf.cast(self._loss_so_far(), dtype), [1])
            joined = tf.concat([*(tf.reshape(part, [-1]) for part in parts), loss], 0)
            total = sum_vector(self.group, joined, largest)
            # The shape of a gradient may be known only when the step runs.
            *flat, loss = tf.split(total, [*(tf.size(part) for part in parts), 1])
            for at, part, values in zip(places, parts, flat, strict=True):
                summed[at] = tf.ensure_shape(tf.reshape(values, tf.shape(part)), part.shape)
            self.loss.assign(tf.cast(loss[0], tf.float32))
        return summed

    def _loss_so_far(self) -> Any:
        """The sum of the losses of the epoch so far on this worker."""
        (loss,) = (metric for metric in self.model.metrics if metric.name == "loss")
        return loss.total.value


def sum_metrics(model: keras.Model, group: Group) -> dict[str, Any]:
    """Sum the state of the metrics over all workers, and return the logs of all rows."""
    _assign(model.metrics_variables, group.sum(_joined(model.metrics_variables)))
    return dict(model.get_metrics_result())


def _floats(variables: Sequence[Any]) -> list[Any]:
    return [variable for variable in variables if "float" in str(variable.dtype)]


def _statistics(model: keras.Model) -> list[Any]:
    """What layers learn without gradients, such as the moving averages of batch normalization.

    The states of random generators, which are integers, are not among them.
    """
    return _floats(model.non_trainable_variables)


def _joined(variables: Sequence[Any]) -> np.ndarray:
    values = [np.ravel(variable.numpy()).astype(np.float64) for variable in variables]
    return np.concatenate(values) if values else np.zeros(0)


def _assign(variables: Sequence[Any], values: np.ndarray) -> None:
    start = 0
    for variable in variables:
        size = int(np.prod(variable.shape))
        variable.assign(values[start : start + size].reshape(variable.shape))
        start += size
