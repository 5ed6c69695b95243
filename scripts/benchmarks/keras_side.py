"""What the process with TensorFlow times: kerasnets, and Keras's own ``fit``."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from workload import BATCH, PREDICTION_BATCH, arrays

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.data import Split
from kerasnets.engine.loop import Engine
from kerasnets.engine.stream import numbers
from kerasnets.evaluation import predict_logits
from kerasnets.training import steps
from kerasnets.training.recipe import make_recipe

_EPOCHS = 10  # of each fit
_CHOOSE_FOR_EPOCHS = 100_000  # compile time does not count here


def prepare(competitor: str, net: str) -> tuple[Callable[[], int], dict[str, Any]]:
    """An epoch of a net, or one prediction of its rows, and what is told of it."""
    train, arguments = training_split(net)
    model = kn.build(net, **arguments)
    if "predict" in competitor:
        return _prediction(competitor, model, train.x), {"params": model.count_params()}
    # What measuring gives for every net of convolutions, at half a minute of compiling each.
    xla = False if any("Conv" in type(layer).__name__ for layer in model.layers) else None
    recipe = make_recipe(net, batch_size=BATCH, epochs=_CHOOSE_FOR_EPOCHS, schedule="constant")
    steps.compile_model(model, recipe, train)
    told: dict[str, Any] = {"params": model.count_params()}
    if competitor == "keras fit":
        dense = train.x.dense() if net.startswith("mortality") else train.x

        def plain() -> int:
            model.fit(dense, train.y, batch_size=BATCH, epochs=1, verbose=0)
            return len(train)

        return plain, told
    loop = steps.make_loop(model, train, recipe, xla)
    assert loop is not None  # noqa: S101 - these fit in memory
    told |= {"xla": loop.xla}
    number = itertools.count(step=_EPOCHS)

    def ours() -> int:
        at = next(number)
        pieces = steps.epoch_pieces(train, recipe, range(at, at + _EPOCHS))
        model.train_function = Engine(loop, pieces)
        model.fit(
            numbers(len(pieces)),
            epochs=_EPOCHS,
            steps_per_epoch=pieces.per_epoch,
            shuffle=False,
            verbose=0,
        )
        return _EPOCHS * len(train)

    return ours, told


def _prediction(competitor: str, model: Any, x: np.ndarray) -> Callable[[], int]:
    def ours() -> int:
        return len(predict_logits(model, x, PREDICTION_BATCH))

    def plain() -> int:
        return len(model.predict(x, batch_size=PREDICTION_BATCH, verbose=0))

    return plain if competitor == "keras predict" else ours


def training_split(net: str) -> tuple[Split, dict[str, Any]]:
    """What a net is trained on, and the arguments it is built with for that."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    if net.startswith("mortality"):
        train = kn.load_data("mortality-simulated").train
        return train, {"features": train.x.features}
    return Split(*arrays(net)), {}
