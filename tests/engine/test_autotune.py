"""XLA is used if the rule estimates that the training is shorter with it."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

from kerasnets.engine.adapt import build, make_source
from kerasnets.engine.autotune import Cost, choose_xla, estimate, measure
from kerasnets.engine.epochs import StepRunner
from kerasnets.engine.loop import Loop, Options
from kerasnets.engine.schedule import EpochSchedule
from kerasnets.engine.stream import Feed
from tests.engine.helpers import Sequences, module_of
from tests.engine.models import CASES, by_length, compiled, dense_net, floats
from tests.engine.models import build as build_case

SOURCE = make_source(np.zeros((64, 8), "float32"), np.zeros(64))


def recurrent(steps=50):
    inputs = keras.Input((steps, 3))
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GRU(4)(inputs))))


def images():
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(64, 3)(keras.layers.Conv2D(64, 3)(inputs))
    return compiled(keras.Model(inputs, x))


def test_costs_add_up_and_compilation_counts_once():
    cost = Cost(1.0, 0.5) + Cost(2.0, 0.25) * 2
    assert cost == Cost(5.0, 1.0)
    assert cost.of(10) == 5.0 + 10 * 1.0


@pytest.mark.parametrize("xla", [True, False])
def test_more_work_costs_more(xla):
    def step(model, size=32):
        return estimate(model, SOURCE, size, xla=xla).step

    assert step(recurrent(100)) > step(recurrent(50)) > step(dense_net())
    assert step(images(), 64) > step(images(), 32)


def test_sequences_are_compiled_once_per_bucket():
    model, sequences = by_length(), Sequences(60, features=3, longest=30)
    assert len(sequences.buckets.bucket_lengths) > 1
    several = estimate(model, sequences, 32, xla=True).compile
    one = estimate(model, SOURCE, 32, xla=True).compile
    start = estimate(compiled(keras.Sequential([keras.Input((8,))])), SOURCE, 32, xla=True).compile
    shapes = len(sequences.buckets.bucket_lengths)
    assert several - start == pytest.approx(shapes * (one - start))
    assert estimate(model, sequences, 32, xla=False).compile == pytest.approx(
        estimate(model, SOURCE, 32, xla=False).compile
    )


@pytest.mark.parametrize("make", [dense_net, recurrent])
def test_xla_is_chosen_for_long_trainings_of_small_nets(make):
    model = make()
    assert not choose_xla(model, SOURCE, 32, 1)
    assert choose_xla(model, SOURCE, 32, 10**6)
    choices = [choose_xla(model, SOURCE, 32, 10**power) for power in range(7)]
    assert choices == sorted(choices)


def test_convolutions_run_without_xla():
    assert not choose_xla(images(), SOURCE, 32, 10**6)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"xla": "auto"}, Options(xla=True, xla_optional=True, fuse=True)),
        ({"xla": "on"}, Options(xla=True, fuse=True)),
        ({"xla": "off"}, Options()),
        ({"xla": "auto", "resident": False}, Options(xla_optional=True, fuse=True)),
    ],
)
def test_options_of_a_fit_depend_on_xla_and_memory(args, expected, monkeypatch):
    fit = module_of("fit")
    monkeypatch.setattr(fit, "choose_xla", lambda *_: True)
    model = compiled(keras.Sequential([keras.layers.Dense(1)]))
    # By default it is False on a machine without an accelerator, and does not depend on the model.
    assert not model.jit_compile
    feed = Feed(SOURCE)
    feed.resident = args.pop("resident", True)
    assert fit._options(model, feed, 32, args["xla"], 100) == expected


def test_xla_is_not_chosen_if_it_cannot_compile_a_layer():
    inputs = keras.Input((8, 8, 1))
    assert choose_xla(keras.Model(inputs, keras.layers.Flatten()(inputs)), SOURCE, 32, 10**9)
    assert not choose_xla(
        keras.Model(inputs, keras.layers.RandomZoom(0.1)(inputs)), SOURCE, 32, 10**9
    )


def test_measuring_restores_the_model_exactly():
    case = CASES["batch-norm-adamw-ema"]
    model = build_case(case)
    rng = np.random.default_rng(0)
    source = make_source(floats(rng, 70, 8), floats(rng, 70))
    build(model, source)
    loop, feed = Loop(model, source, 8, Options()), Feed(source)
    steps, *_ = next(loop.segments(EpochSchedule(70, 8).epoch(0)))
    tensors, steps = feed(steps)
    state = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [variable.numpy() for variable in state]
    ran = []

    def run(count):
        ran.append(count)
        return loop(tensors, steps, 0, count)

    cost = measure(model, run, len(steps))
    assert cost.compile > 0 < cost.step
    assert ran[0] == 1
    assert max(ran) <= len(steps)
    for variable, value in zip(state, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_compile_seconds_count_each_shape_once():
    model = build_case(CASES["dense"])
    source = make_source(np.zeros((20, 8)), np.zeros(20))
    build(model, source)
    loop = Loop(model, source, 8, Options())
    runner = StepRunner(loop, Feed(source), EpochSchedule(20, 8))
    seen = [loop.compile_seconds]
    runner.trace()
    hooks = module_of("epochs").Hooks(lambda at: None, lambda at, logs: None, lambda: False)
    for epoch in range(2):
        seen.append(loop.compile_seconds)
        runner.run(epoch, hooks)
    seen.append(loop.compile_seconds)
    assert all(a < b for a, b in itertools.pairwise(seen[:3]))
    assert seen[2] == seen[3]
