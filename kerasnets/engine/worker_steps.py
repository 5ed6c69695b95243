"""The steps of one of several workers that train together."""

from __future__ import annotations

from typing import Any

from kerasnets.engine.collectives import Group
from kerasnets.engine.epochs import Hooks, StepRunner
from kerasnets.engine.exchange import Exchange, sum_metrics
from kerasnets.engine.loop import Logs
from kerasnets.engine.schedule import Steps


class WorkerRunner(StepRunner):
    """Runs the training steps of an epoch, each worker with its rows of every batch.

    All workers run the same steps in each compiled call, because TensorFlow counts the steps within
    a call to match the operations of the workers.
    """

    def __init__(self, *args: Any, exchange: Exchange, **kwargs: Any) -> None:
        """Combine what :class:`StepRunner` takes with the exchange of the loop."""
        super().__init__(*args, **kwargs)
        self.exchange = exchange

    def run(self, epoch: int, hooks: Hooks, steps_per_call: int | None = None) -> Logs:
        """Run an epoch; the logs and the state of the model are then equal on all workers."""
        self.exchange.loss.assign(0.0)
        super().run(epoch, hooks, steps_per_call)
        self.exchange.average_state()
        return sum_metrics(self.loop.model, self.exchange.group)

    def _count(self, steps: Steps, done: int, steps_per_call: int | None) -> int:
        return self.exchange.group.minimum(super()._count(steps, done, steps_per_call))

    def _call(self, steps: Any, at: int, last: int) -> Logs:
        with self.exchange.group.errors():
            logs = super()._call(steps, at, last)
            float(logs["loss"])  # waits for the steps, so that an error is raised here
        return logs


class WorkerEvaluator(StepRunner):
    """Runs the test steps of an evaluation, each worker every so many batches."""

    def __init__(self, *args: Any, group: Group, **kwargs: Any) -> None:
        """Combine what :class:`StepRunner` takes with the connected workers."""
        super().__init__(*args, **kwargs)
        self.group = group

    def run(self, epoch: int, hooks: Hooks, steps_per_call: int | None = None) -> Logs:
        """Run the steps of this worker; the logs are those of all workers together."""
        super().run(epoch, hooks, steps_per_call)
        return sum_metrics(self.loop.model, self.group)

    def _steps(self, epoch: int) -> Steps:
        return super()._steps(epoch)[self.group.index :: self.group.size]
