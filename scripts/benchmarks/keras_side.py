"""The process with TensorFlow: it measures kerasnets and Keras's own ``fit`` and ``predict``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workload import BATCH, PREDICTION_BATCH, arrays

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.data import Split
from kerasnets.engine.adapt import build
from kerasnets.engine.autotune import choose_xla
from kerasnets.engine.loop import Loop, Options
from kerasnets.engine.schedule import EpochSchedule, Steps
from kerasnets.engine.sources import ArraySource, Examples, Source

_EPOCHS = 10  # per call of fit
_MANY_STEPS = 10**9  # compile time is not measured here


def prepare(competitor: str, net: str) -> tuple[Callable[[], int], dict[str, Any]]:
    """Return a function that trains some epochs or predicts all rows once, and its settings."""
    model, train = compiled_net(net)
    settings: dict[str, Any] = {"params": model.count_params()}
    if "predict" in competitor:
        predict = model.predict if competitor == "keras predict" else kn.predict
        options = {"verbose": 0} if competitor == "keras predict" else {"model": model}

        def predictions() -> int:
            return len(predict(x=train.x, batch_size=PREDICTION_BATCH, **options))

        return predictions, settings
    if competitor == "keras fit":
        dense = train.x.dense() if net.startswith("mortality") else train.x

        def plain() -> int:
            model.fit(dense, train.y, batch_size=BATCH, epochs=1, verbose=0)
            return len(train)

        return plain, settings
    xla = choose_xla(model, source_of(train), BATCH, _MANY_STEPS)

    def ours() -> int:
        # Not "off", which would also leave the dropout masks to Keras.
        mode: Any = "on" if xla else "auto"
        kn.fit(model, train.x, train.y, BATCH, _EPOCHS, 0, xla=mode, strict=True)
        return _EPOCHS * len(train)

    return ours, settings | {"xla": xla}


def compiled_net(net: str) -> tuple[Any, Split]:
    """Return a net compiled for training, and the data to measure it with."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    if net.startswith("mortality"):
        train = kn.load_data("mortality-simulated").train
        arguments = {"features": train.x.features}
    else:
        train = Split(*arrays(net))
        arguments = {"samples": 178} if net == "seizure-spectral-long" else {}
    model = kn.build(net, **arguments)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model, train


def source_of(train: Split) -> Source:
    """Return the source of batches of a split."""
    if isinstance(train.x, Source):
        return Examples(train.x, train.y)
    return ArraySource((train.x, train.y))


def compiled_steps(model: Any, source: Source, xla: bool) -> tuple[Callable[[int], None], int]:
    """Return a function that runs a number of full steps, and the largest number of steps."""
    build(model, source)
    loop = Loop(model, source, BATCH, Options(xla=xla, fuse=True))
    schedule = EpochSchedule(len(source), BATCH, buckets=source.buckets, shuffle=True)
    steps: Steps
    steps, first, last = next(loop.segments(schedule.epoch(0)))
    tensors = source.tensors()

    def run(count: int) -> None:
        float(loop(tensors, steps, first, first + count)["loss"])

    return run, last - first
