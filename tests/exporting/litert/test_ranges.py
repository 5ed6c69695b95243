"""Ranges of int8 activations: which layers stay in float32, and what is clipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.litert import ranges
from kerasnets.exporting.litert.flatbuffer import describe_operators, with_names
from kerasnets.exporting.litert.ranges import convert_with_best_ranges, one_by_one
from kerasnets.exporting.litert.write_litert import convert
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.verification.runtimes.litert_check import load_litert_content
from kerasnets.exporting.weights_report import agreement
from tests.exporting.onnx.helpers import randomize

import_tensorflow()
layers = keras.layers


def examples(rows: int, seed: int) -> Arrays:
    """Signals of which a few are much larger than the others, as in EEG with seizures."""
    rng = np.random.default_rng(seed)
    scale = np.where(rng.random((rows, 1, 1)) < 0.04, 50, 1)
    return {"x": (scale * rng.normal(size=(rows, 24, 1))).astype("float32")}


def classifier(*middle: Any) -> Served:
    x = keras.Input((24, 1), name="x")
    y = layers.Conv1D(4, 5, activation="relu")(x)
    y = layers.MaxPooling1D(2)(y)
    for layer in middle:
        y = layer(y)
    return serve(randomize(keras.Model(x, layers.Dense(3, name="logits")(layers.Flatten()(y)))))


def share(served: Served, content: bytes, x: Arrays) -> float:
    _, _, run = load_litert_content(with_names(content, served, {}))
    return agreement(served, run(x), served.run(x))


def test_large_values_do_not_make_the_steps_coarse() -> None:
    served = classifier(layers.Conv1D(6, 3, activation="relu"))
    calibration, test = examples(100, 0), examples(1000, 1)
    plain = convert(served, None, quantize="full-int8", samples=one_by_one(calibration))
    found = convert_with_best_ranges(served, None, calibration)
    assert share(served, found.content, test) > share(served, plain, test) + 0.1
    # The first convolution and the logits; the ranges are those around the one in between.
    assert found.float32 == ("CONV_2D", "FULLY_CONNECTED")
    assert len(found.kept_percent) == 2
    assert all(90 < kept <= 100 for kept in found.kept_percent)
    operators = describe_operators(found.content)
    assert operators["CONV_2D"] == 2
    assert operators["QUANTIZE"] == operators["DEQUANTIZE"] == 1


def test_of_two_layers_the_first_is_in_integers() -> None:
    found = convert_with_best_ranges(classifier(), None, examples(100, 0))
    assert found.float32 in {(), ("FULLY_CONNECTED",)}
    assert describe_operators(found.content)["QUANTIZE"] == 1


def test_the_ranges_of_the_converter_are_kept_if_the_predictions_are() -> None:
    x = keras.Input((4,), name="x")
    y = layers.Dense(8, activation="relu")(layers.Dense(8, activation="relu")(x))
    served = serve(randomize(keras.Model(x, layers.Dense(2, name="logits")(y))))
    calibration = {"x": np.repeat(np.eye(4, dtype="float32"), 10, axis=0)}
    found = convert_with_best_ranges(served, None, calibration)
    assert (found.kept_percent, found.float32) == ((), ())


def test_a_range_has_a_share_of_the_values() -> None:
    values = np.arange(1001.0)
    assert ranges._range(values, 100) == (0, 1000)
    assert ranges._range(values, 98) == (0, 980)
    assert ranges._range(values - 500, 98) == pytest.approx((-490, 490))
