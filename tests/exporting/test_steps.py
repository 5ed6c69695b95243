"""The smallest number of steps that a model takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.signature import serve
from kerasnets.exporting.steps import runnable_samples, smallest_steps

import_tensorflow()
layers = keras.layers


def net(build: Callable[[Any], Any], time: int | None = None) -> Any:
    x = keras.Input((time, 4), name="x")
    return serve(keras.Model(x, build(x)))


@pytest.mark.parametrize(
    ("build", "steps"),
    [
        (lambda x: layers.GRU(2)(x), 1),
        (lambda x: layers.GRU(2)(layers.MaxPooling1D(2)(x)), 2),
        (lambda x: layers.GlobalMaxPooling1D()(layers.Conv1D(2, 5)(x)), 5),
        (
            lambda x: layers.GlobalMaxPooling1D()(layers.MaxPooling1D(4)(layers.Conv1D(2, 30)(x))),
            33,
        ),
    ],
)
def test_the_smallest_number_of_steps(build: Callable[[Any], Any], steps: int) -> None:
    served = net(build)
    samples = runnable_samples(served)
    assert samples["x"].shape == (64, 12 if steps < 12 else 48, 4)
    assert smallest_steps(served, samples) == steps


def test_a_fixed_number_of_steps() -> None:
    served = net(lambda x: layers.GRU(2)(x), 7)
    assert smallest_steps(served, runnable_samples(served)) is None


@pytest.mark.usefixtures("verify_in_this_process")
def test_a_pooling_that_leaves_nothing_of_one_step(tmp_path: Path) -> None:
    """The reference had a single step, with which TensorFlow raised AbortedError."""
    x = keras.Input((None, 4), name="x")
    hidden = layers.MaxPooling1D(2)(layers.Conv1D(8, 3, padding="same")(x))
    folder = kn.export(keras.Model(x, layers.GRU(4)(hidden)), tmp_path / "net")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["min_steps"] == 2
    assert "batch-7-steps-2" in card["cases"]
    assert "Sequences must have at least 2 steps." in (folder / "README.md").read_text("utf-8")
