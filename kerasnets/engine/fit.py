"""``fit``: train any compiled Keras model, with many steps per compiled call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from kerasnets._lazy import keras
from kerasnets.engine.adapt import build, make_source
from kerasnets.engine.autotune import choose_xla
from kerasnets.engine.cache import compiled_for
from kerasnets.engine.epochs import StepRunner, Validation, evaluate, run_epochs
from kerasnets.engine.fallback import (
    CannotCompileError,
    check_arrays,
    check_model,
    dense,
    fall_back,
    tracing_errors,
)
from kerasnets.engine.loop import Logs, Loop, Options
from kerasnets.engine.schedule import EpochSchedule, Shuffle
from kerasnets.engine.seeding import SEEDING, only_training_of
from kerasnets.engine.sources import Source
from kerasnets.engine.stream import Feed
from kerasnets.engine.worker_checks import refuse_workers

Xla = Literal["auto", "on", "off"]


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: Shuffle = True,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int | Sequence[int] = 1,
    *,
    xla: Xla = "auto",
    strict: bool = False,
) -> keras.callbacks.History:
    """Train a compiled model as ``model.fit`` does, with many steps per compiled call.

    The arguments and the result are those of ``keras.Model.fit``. Losses, metrics, optimizers,
    callbacks and a custom ``train_step`` work as they do there. A callback with batch methods is
    called for every batch. Without such a callback, one call runs up to an epoch.

    If the engine cannot run the model or the data, ``model.fit`` runs instead, and a
    :class:`~kerasnets.engine.fallback.FallbackWarning` says why. This happens for models
    that run eagerly, are distributed, have no ``call``, or cannot be traced in a loop. It also
    happens for generators, ``tf.data``, and ragged or sparse tensors.

    Several threads can train different models. The order in which they draw the seeds of their
    shuffling from Keras's global generator is not defined, so their results repeat only with
    ``shuffle=False``. TensorFlow cannot run in a process that was forked after TensorFlow had run;
    start processes with ``multiprocessing.get_context("spawn")``.

    Args:
        model: compiled. Its weights, optimizer and metrics change as in ``model.fit``; nothing else
            does.
        x: inputs: an array, tensor or DataFrame, a list or dict of them, or sequences such as
            :class:`kerasnets.data.VisitSequences`.
        y: targets, of any structure that the model's loss takes.
        batch_size: rows per step; 32 by default.
        epochs: number of the last epoch, counted from 1.
        verbose: 0, 1, 2 or ``"auto"``.
        callbacks: Keras callbacks, or a ``CallbackList``.
        validation_split: share of the last rows to validate on.
        validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` to validate on after each epoch.
        shuffle: shuffle the rows before each epoch; ``"batch"`` shuffles within each batch.
        class_weight: weight of each class in the loss.
        sample_weight: weight of each row in the loss.
        initial_epoch: the epoch to start at, counted from 0.
        steps_per_epoch: steps per epoch; by default one pass over all rows.
        validation_steps: steps of each validation.
        validation_batch_size: rows per step of a validation; ``batch_size`` by default.
        validation_freq: number of epochs from one validation to the next, or a list of epochs to
            validate after.
        xla: compile the steps with XLA: ``"on"``, ``"off"``, or ``"auto"`` to decide from the
            layers and the number of steps. With ``"off"``, Dropout layers use Keras's own masks.
        strict: raise an error instead of using ``model.fit``.

    Returns:
        The ``History``, also as ``model.history``.

    Raises:
        CannotCompileError: with ``strict``, if the engine cannot run the model or the data.
        XlaCannotError: with ``xla="on"``, if XLA cannot compile the model.
        ValueError: if the model is not compiled, if ``model.fit`` would refuse an argument, or if
            ``TF_CONFIG`` names several workers.
        RuntimeError: if another thread trains the model, or if the process was forked after
            TensorFlow had run.
    """
    arguments = {name: value for name, value in locals().items() if name not in _NOT_IN_KERAS}
    if xla not in ("auto", "on", "off"):
        raise ValueError(f"xla must be 'auto', 'on' or 'off', got {xla!r}.")
    if not isinstance(model, keras.Model):
        raise ValueError(f"fit takes a keras.Model, got {type(model).__name__}.")
    model._assert_compile_called("fit")
    refuse_workers()
    with only_training_of(model):
        try:
            run = _prepare(model, xla, **arguments)
        except CannotCompileError as error:
            fall_back("fit", error, strict=strict)
            return model.fit(**_dense(arguments))
        return run()


def _dense(arguments: dict[str, Any]) -> dict[str, Any]:
    """Replace sequences, which Keras does not know, by arrays."""
    arguments = arguments | {"x": dense(arguments["x"])}
    if isinstance(data := arguments["validation_data"], tuple | list):
        arguments["validation_data"] = (dense(data[0]), *data[1:])
    return arguments


# Arguments of fit above that keras.Model.fit does not take.
_NOT_IN_KERAS = ("model", "xla", "strict")


def _prepare(
    model: keras.Model,
    xla: Xla,
    *,
    batch_size: int | None,
    epochs: int,
    verbose: Any,
    callbacks: Any,
    shuffle: Shuffle,
    class_weight: Any,
    initial_epoch: int,
    steps_per_epoch: int | None,
    validation_freq: Any,
    **arguments: Any,
) -> Callable[[], keras.callbacks.History]:
    """Convert the data, build the model and trace the first step; return a function that trains.

    Raises:
        CannotCompileError: if the engine cannot run the model or the data.
    """
    x, y, weights, validation_data = _split(**arguments)
    check_model(model)
    check_arrays(x, y, weights, validation_data)
    source = make_source(x, y, weights, class_weight)
    if not len(source):
        raise CannotCompileError("the data have no rows")
    size = _batch_size(source, batch_size, steps_per_epoch)
    with SEEDING:
        with tracing_errors():
            build(model, source)
        # Drawn after the weights, so that a seed sets the same initial weights as in model.fit.
        seed = _draw_seed() if shuffle else 0
    schedule = EpochSchedule(len(source), size, buckets=source.buckets, shuffle=shuffle, seed=seed)
    steps = (steps_per_epoch or schedule.steps_per_epoch) * (epochs - initial_epoch)
    feed = Feed(source)
    options = _options(model, feed, size, xla, steps)
    with tracing_errors():
        renew_loop = functools.partial(_loop, model, source, size, options)
        runner = StepRunner(
            renew_loop(), feed, schedule, steps_per_epoch=steps_per_epoch, renew_loop=renew_loop
        )
        runner.trace()
    validation = None
    if validation_data is not None:
        evaluation = _evaluation(
            model,
            validation_data,
            arguments["validation_batch_size"] or batch_size,
            arguments["validation_steps"],
            options,
        )
        validation = Validation(evaluation, validation_freq)

    def run() -> keras.callbacks.History:
        return run_epochs(
            model,
            runner,
            validation,
            initial_epoch=initial_epoch,
            epochs=epochs,
            callbacks=callback_list(
                model, callbacks, verbose=verbose, epochs=epochs, steps=runner.steps_per_epoch
            ),
        )

    return run


def callback_list(
    model: keras.Model, callbacks: Any, *, verbose: Any, epochs: int, steps: int
) -> keras.callbacks.CallbackList:
    """Return the callbacks with a history and a progress bar, as ``keras.Model.fit`` does."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    return keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
        model=model,
    )


def _options(model: keras.Model, feed: Feed, size: int, xla: Xla, steps: int) -> Options:
    """Choose how to compile the steps. XLA would compile a stream once per chunk size."""
    use_xla = xla == "on" or (
        xla == "auto" and feed.resident and choose_xla(model, feed.source, size, steps)
    )
    return Options(xla=use_xla, xla_optional=xla == "auto", fuse=xla != "off")


def _loop(
    model: keras.Model, source: Source, size: int, options: Options, *, training: bool = True
) -> Loop:
    """Return the compiled steps for data of this form, from the cache if possible."""
    key = "fit" if training else "evaluate", source.key(), size, options
    return compiled_for(model, key, lambda: Loop(model, source, size, options, training=training))


def _evaluation(
    model: keras.Model, data: Any, batch_size: int | None, steps: int | None, options: Options
) -> Callable[[Any], Logs]:
    """Return a function that takes callbacks and validates.

    Raises:
        CannotCompileError: if the engine cannot run the test step or the data.
    """
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    source = make_source(x, y, weights)
    if not len(source):
        raise CannotCompileError("the validation data have no rows")
    size = _batch_size(source, batch_size, steps)
    schedule, feed = EpochSchedule(len(source), size, buckets=source.buckets), Feed(source)
    with tracing_errors():
        loop = _loop(model, source, size, options, training=False)
        StepRunner(loop, feed, schedule).trace()
    return lambda callbacks: evaluate(
        model, StepRunner(loop, feed, schedule, steps_per_epoch=steps), callbacks
    )


def _split(
    x: Any,
    y: Any,
    sample_weight: Any,
    validation_split: float,
    validation_data: Any,
    **_: Any,
) -> tuple[Any, Any, Any, Any]:
    """Inputs, targets and weights to train on, and the data to validate on."""
    if not validation_split or validation_data is not None:
        return x, y, sample_weight, validation_data
    if isinstance(x, Source):
        raise ValueError(
            "validation_split needs arrays. Pass sequences as validation_data instead."
        )
    check_arrays(x, y, sample_weight)
    from keras.src.trainers.data_adapters import array_slicing

    training, validation = array_slicing.train_validation_split(
        (x, y, sample_weight), validation_split=validation_split
    )
    return (*training, validation)


def _batch_size(source: Source, batch_size: int | None, steps: int | None) -> int:
    """Rows per step. The default is chosen as in Keras."""
    if batch_size:
        return min(int(batch_size), 2**31 - 1)
    return -(-len(source) // steps) if steps else 32


def _draw_seed() -> int:
    """A seed that ``keras.utils.set_random_seed`` makes reproducible."""
    return int(keras.random.SeedGenerator().state.numpy()[0])
