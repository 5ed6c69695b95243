"""The steps of a training: their data, their order, and how they are compiled."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets._tables import percent
from kerasnets.data import Dataset, Split
from kerasnets.engine.adapt import build
from kerasnets.engine.autotune import Cost, choose_xla, measure
from kerasnets.engine.buckets import Buckets
from kerasnets.engine.collectives import Group
from kerasnets.engine.epochs import AfterCall, StepRunner, Validation, evaluate
from kerasnets.engine.exchange import Exchange
from kerasnets.engine.loop import Loop, Options, XlaCannotError
from kerasnets.engine.schedule import EpochSchedule
from kerasnets.engine.sources import Examples, Source, as_source
from kerasnets.engine.stream import Feed
from kerasnets.engine.worker_checks import check_workers_can_train
from kerasnets.engine.worker_steps import WorkerEvaluator, WorkerRunner
from kerasnets.evaluation.tasks import Task
from kerasnets.training.recipe import Recipe
from kerasnets.training.rescaling import target_variance
from kerasnets.training.run_folder import LOG_LOSS

_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Plan:
    """A recipe applied to a data set.

    Attributes:
        recipe: how to train.
        data: what to train on.
        group: the workers that train together; ``None`` for this process alone.
    """

    recipe: Recipe
    data: Dataset
    group: Group | None = None

    @functools.cached_property
    def source(self) -> Source:
        """The training split with its class weights."""
        train = self.data.train
        weights = class_weights(train.y) if self.recipe.class_weights == "balanced" else None
        labels = (train.y,) if weights is None else (train.y, weights)
        return Examples(as_source(train.x), *labels)

    @functools.cached_property
    def schedule(self) -> EpochSchedule:
        """The rows of each step, shuffled by the seed of the recipe."""
        return EpochSchedule(
            len(self.source),
            self.recipe.batch_size,
            buckets=self.source.buckets,
            shuffle=True,
            seed=self.recipe.seed,
        )

    @property
    def steps(self) -> int:
        """Number of steps of the training."""
        return self.recipe.epochs * self.schedule.steps_per_epoch

    def runner(
        self, model: keras.Model, xla: bool | None, after_call: AfterCall = lambda steps, logs: None
    ) -> StepRunner:
        """Return the runner of the training steps.

        Args:
            model: compiled by :func:`compile_model`.
            xla: whether a resumed run has used XLA so far; ``None`` for a new run.
            after_call: called after each compiled call.
        """
        build(model, self.source)
        if self.group is not None:
            return self._worker_runner(model, self.group, after_call)
        feed = Feed(self.source)
        if xla is None:
            xla = feed.resident and self._choose_xla(model, feed)
        return StepRunner(self._loop(model, xla), feed, self.schedule, after_call=after_call)

    def _worker_runner(
        self, model: keras.Model, group: Group, after_call: AfterCall
    ) -> WorkerRunner:
        """The runner of one of several workers. XLA cannot compile their exchange."""
        check_workers_can_train(model)
        exchange = Exchange(model, group, self.recipe.average_every)
        return WorkerRunner(
            self._loop(model, xla=False, exchange=exchange),
            Feed(self.source, exchange.own_rows),
            self.schedule,
            after_call=after_call,
            exchange=exchange,
        )

    def validation(self, model: keras.Model, xla: bool) -> Validation:
        """Return the evaluation on the validation split after each epoch."""
        split: Split = self.data.validation
        source = Examples(as_source(split.x), split.y)
        feed = Feed(source)
        schedule = EpochSchedule(len(source), _EVALUATION_BATCH, buckets=source.buckets)
        if xla and self.recipe.xla != "on":
            # A validation has fewer steps than the training, so compiling it may not pay off.
            steps = self.recipe.epochs * schedule.steps_per_epoch
            xla = feed.resident and choose_xla(
                model, source, _EVALUATION_BATCH, steps, training=False
            )
        options = Options(xla=xla, xla_optional=self.recipe.xla == "auto")
        loop = Loop(model, source, _EVALUATION_BATCH, options, training=False)

        def runner() -> StepRunner:
            if self.group is not None:
                return WorkerEvaluator(loop, feed, schedule, group=self.group)
            return StepRunner(loop, feed, schedule)

        return Validation(
            lambda callbacks: evaluate(model, runner(), callbacks),
            trace=lambda: runner().trace_epoch(),
        )

    def _loop(self, model: keras.Model, xla: bool, exchange: Exchange | None = None) -> Loop:
        options = Options(
            xla=xla,
            xla_optional=self.recipe.xla == "auto",
            fuse=self.recipe.xla != "off",
            stop_if_not_finite=True,
        )
        return Loop(model, self.source, self.recipe.batch_size, options, exchange=exchange)

    def _choose_xla(self, model: keras.Model, feed: Feed) -> bool:
        if self.recipe.xla == "auto":
            return choose_xla(model, self.source, self.recipe.batch_size, self.steps)
        if self.recipe.xla == "measure":
            return self._measure_xla(model, feed)
        return self.recipe.xla == "on"

    def _measure_xla(self, model: keras.Model, feed: Feed) -> bool:
        """Whether the training is shorter with XLA, from the time of a few steps of each kind."""
        costs = {}
        for xla in (False, True):
            loop = self._loop(model, xla)
            try:
                costs[xla] = self._measure(model, loop, feed).of(self.steps)
            except XlaCannotError:
                return False
        return costs[True] < costs[False]

    def _measure(self, model: keras.Model, loop: Loop, feed: Feed) -> Cost:
        steps, first, last = next(loop.segments(self.schedule.epoch(0)))
        tensors, steps = feed(steps)

        def run(count: int) -> None:
            float(loop(tensors, steps, first, first + count)["loss"])

        return measure(model, run, last - first)


def compile_model(model: keras.Model, plan: Plan, task: Task) -> None:
    """Compile a model as the recipe says, unless the user has compiled it.

    Args:
        model: built.
        plan: defines the optimizer, and the number of steps for the learning-rate schedule.
        task: defines loss and metrics.
    """
    if plan.recipe.optimizer != "compiled":
        metrics = task.metrics()
        if model.losses:
            # A weight penalty can fall although the predictions do not improve, so the loss without
            # it decides which epoch is best.
            metrics.append(task.log_loss_metric(LOG_LOSS))
        model.compile(
            optimizer=_optimizer(plan.recipe, max(1, plan.steps // plan.recipe.accumulate)),
            loss=_loss(plan, task),
            metrics=metrics,
            jit_compile=False,
        )
    # Build the optimizer now, so that a checkpoint from before the first step can be loaded.
    model.optimizer.build(model.trainable_variables)


def _loss(plan: Plan, task: Task) -> keras.losses.Loss:
    if task.name == "regression" and plan.recipe.rescaling != "none":
        from kerasnets.nets.losses import StandardizedSquaredError  # imports Keras

        return StandardizedSquaredError(target_variance(plan.data).tolist())
    return task.loss()


def class_weights(y: np.ndarray) -> np.ndarray:
    """Return a weight per row so that every class has the same share of the loss; mean 1."""
    labels, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
    return (len(y) / (len(labels) * counts))[inverse].astype("float32")


def plan_notes(source: Source, batch_size: int) -> list[str]:
    """Return what the user should know before the training, one line each.

    These are the share of padding of data with sequences, and that a batch is larger than the
    training split.

    Args:
        source: the training split.
        batch_size: rows per step.
    """
    notes = []
    if batch_size > len(source):
        notes.append(
            f"batch_size {batch_size:,} is larger than the training split, which has "
            f"{len(source):,} rows"
        )
    if source.buckets is not None:
        notes.append(_padding_text(source.buckets))
    return notes


def _padding_text(buckets: Buckets) -> str:
    return (
        f"{percent(buckets.padding)} of the computed time steps are padding, in buckets of "
        f"length {', '.join(map(str, buckets.bucket_lengths))}"
    )


def _optimizer(recipe: Recipe, updates: int) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe, whose schedule ends after a number of updates."""
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, updates)
    elif recipe.schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(rate, updates, 0.01)
    # With a name, because Keras would count optimizers, and the same seed writes the same bytes.
    config = {"learning_rate": rate, "name": recipe.optimizer}
    if recipe.accumulate > 1:
        config["gradient_accumulation_steps"] = recipe.accumulate
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": config})
