"""The smallest number of steps that a model takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.signature import serve
from kerasnets.exporting.steps import runnable_samples, smallest_steps
from tests.exporting.helpers import read_card

import_tensorflow()
layers = keras.layers


def net(build: Callable[[Any], Any], time: int | None = None) -> Any:
    x = keras.Input((time, 4), name="x")
    return serve(keras.Model(x, build(x)))


def needed(*windows: tuple[int, int]) -> int:
    """The steps of which windows of (width, stride), one after the other, leave one."""
    steps = 1
    for width, stride in reversed(windows):
        steps = (steps - 1) * stride + width
    return steps


def dilated(kernel_size: int, rate: int) -> int:
    return (kernel_size - 1) * rate + 1


STACKS = {
    "no windows": ([], 1),
    "pooling": ([layers.MaxPooling1D(2)], needed((2, 2))),
    # TensorFlow ends the process when it runs this with one step.
    "pooling with strides": ([layers.MaxPooling1D(3, strides=2)], needed((3, 2))),
    "strides": ([layers.Conv1D(2, 4, strides=3)], needed((4, 3))),
    "dilation": ([layers.Conv1D(2, 3, dilation_rate=3)], needed((dilated(3, 3), 1))),
    "groups": ([layers.Conv1D(4, 3, groups=2)], needed((3, 1))),
    # TensorFlow runs these with one step less, on memory that nobody has written.
    "depthwise": ([layers.DepthwiseConv1D(5)], needed((5, 1))),
    "depthwise, dilation": ([layers.DepthwiseConv1D(3, dilation_rate=4)], needed((9, 1))),
    "separable, strides": ([layers.SeparableConv1D(3, 5, strides=2)], needed((5, 2))),
    "a long stack": (
        [
            layers.DepthwiseConv1D(5),
            layers.MaxPooling1D(3, strides=2),
            layers.Conv1D(3, 3, dilation_rate=2),
            keras.Sequential([layers.SeparableConv1D(2, 4, strides=2), layers.AveragePooling1D(2)]),
        ],
        needed((5, 1), (3, 2), (dilated(3, 2), 1), (4, 2), (2, 2)),
    ),
    "more steps than are tried first": (
        [layers.Conv1D(2, 30), layers.MaxPooling1D(4)],
        needed((30, 1), (4, 4)),
    ),
}


@pytest.mark.parametrize(
    ("name", "last"),
    [
        *((name, layers.GlobalMaxPooling1D) for name in STACKS),
        # Of no steps it returns zeros, which are finite.
        *((name, lambda: layers.GRU(2)) for name in ("no windows", "pooling", "depthwise")),
    ],
)
def test_the_smallest_number_of_steps(name: str, last: Callable[[], Any]) -> None:
    stack, steps = STACKS[name]
    stack = [layer.__class__.from_config(layer.get_config()) for layer in stack]
    served = net(lambda x: keras.Sequential([*stack, last()])(x))
    samples = runnable_samples(served)
    assert samples["x"].shape == (64, 12 if steps <= 12 else 24 if steps <= 24 else 48, 4)
    assert smallest_steps(served, samples) == steps
    (output,) = served.run({"x": samples["x"][:1, :steps]}).values()
    assert output.size
    assert np.isfinite(output).all()
    assert keras_leaves(stack, steps) >= 1
    assert steps == 1 or keras_leaves(stack, steps - 1) == 0


def keras_leaves(stack: list[Any], steps: int) -> int:
    """How many steps are left after layers, in Keras's own arithmetic."""
    shape: Any = (1, steps, 4)
    flat = [part for layer in stack for part in getattr(layer, "layers", [layer])]
    for layer in flat:
        try:
            shape = layer.compute_output_shape(shape)
        except ValueError:  # it would be negative
            return 0
        if shape[1] < 1:
            return 0
    return int(shape[1])


@pytest.mark.parametrize(
    ("layer", "steps"),
    [
        (layers.DepthwiseConv2D((5, 1)), 5),
        (layers.Conv2D(3, (3, 1), dilation_rate=(3, 1)), 7),
        (layers.ConvLSTM1D(2, 3), 1),  # its windows are not over time
    ],
)
def test_two_axes_of_which_the_first_is_free(layer: Any, steps: int) -> None:
    x = keras.Input((None, 8, 2), name="x")
    served = serve(keras.Model(x, layer(x)))
    assert smallest_steps(served, runnable_samples(served)) == steps


def test_samples_of_too_few_steps_are_refused(tmp_path: Path) -> None:
    model = net(lambda x: layers.MaxPooling1D(3, strides=2)(x)).model
    with pytest.raises(ValueError, match="samples have 2 steps, of which a layer of"):
        kn.export(model, tmp_path / "net", samples=np.ones((3, 2, 4), "float32"))
    assert not (tmp_path / "net").exists()


@pytest.mark.usefixtures("verify_in_this_process")
def test_a_depthwise_convolution_over_a_free_axis_is_exported(tmp_path: Path) -> None:
    model = net(
        lambda x: layers.GRU(2)(layers.Conv1D(3, 3, dilation_rate=2)(layers.DepthwiseConv1D(5)(x)))
    ).model
    folder = kn.export(model, tmp_path / "net")
    assert read_card(folder)["min_steps"] == needed((5, 1), (dilated(3, 2), 1))


def test_a_fixed_number_of_steps() -> None:
    served = net(lambda x: layers.GRU(2)(x), 7)
    assert smallest_steps(served, runnable_samples(served)) is None


@pytest.mark.usefixtures("verify_in_this_process")
def test_a_pooling_that_leaves_nothing_of_one_step(tmp_path: Path) -> None:
    """The reference had a single step, with which TensorFlow raised AbortedError."""
    x = keras.Input((None, 4), name="x")
    hidden = layers.MaxPooling1D(2)(layers.Conv1D(8, 3, padding="same")(x))
    folder = kn.export(keras.Model(x, layers.GRU(4)(hidden)), tmp_path / "net")
    card = read_card(folder)
    assert card["min_steps"] == 2
    assert "batch-7-steps-2" in card["cases"]
    assert "Sequences must have at least 2 steps." in (folder / "README.md").read_text("utf-8")
