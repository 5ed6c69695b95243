"""One call of many steps equals calls of single steps, and a call ends if the loss is NaN."""

from __future__ import annotations

import threading

import keras
import numpy as np
import pytest

from kerasnets.engine.adapt import build, make_source
from kerasnets.engine.buckets import make_buckets
from kerasnets.engine.kernels import dropout as dropout_kernel
from kerasnets.engine.loop import Loop, Options
from kerasnets.engine.schedule import EpochSchedule
from kerasnets.engine.stream import Feed
from tests.engine.helpers import Sequences, assert_same_weights, fit, keras_fit
from tests.engine.models import CASES, arguments, compiled, dense_net
from tests.engine.models import build as build_case


def make(name="dense", rows=22, options=Options(), size=8):  # noqa: B008 - frozen
    """A loop over the rows of a case, its tensors and its steps."""
    case = CASES[name]
    model, args = build_case(case), arguments(case, rows)
    source = make_source(args["x"], args["y"])
    build(model, source)
    loop = Loop(model, source, size, options)
    return loop, Feed(source), EpochSchedule(rows, size).epoch(0)


@pytest.mark.parametrize("name", ["dense", "own-keys"])
@pytest.mark.parametrize("xla", [True, False])
def test_one_call_of_many_steps_equals_many_calls_of_one_step(name, xla):
    results = []
    for count in (1, 4):
        loop, feed, all_steps = make(name, 32, Options(xla=xla))
        steps, first, last = next(loop.segments(all_steps))
        tensors, steps = feed(steps)
        for at in range(first, last, count):
            logs = loop(tensors, steps, at, at + count)
        results.append((loop.model, {key: float(value) for key, value in logs.items()}))
    (one, logs), (many, others) = results
    assert logs == pytest.approx(others, abs=1e-6)
    assert_same_weights(one, many, 1e-6)


def test_only_a_smaller_last_batch_is_a_separate_segment():
    loop, _, all_steps = make(rows=22)
    parts = [(steps.rows.shape, first, last) for steps, first, last in loop.segments(all_steps)]
    assert parts == [((2, 8), 0, 2), ((1, 6), 0, 1)]
    loop, _, all_steps = make(rows=5)
    assert [steps.rows.shape for steps, *_ in loop.segments(all_steps)] == [(1, 5)]


@pytest.mark.parametrize("xla", [True, False])
def test_with_buckets_and_xla_full_batches_are_separate_segments(xla):
    x = Sequences(40, longest=20)
    assert len(make_buckets(x.lengths).bucket_lengths) > 1
    loop = Loop(compiled(dense_net()), x, 8, Options(xla=xla))
    all_steps = EpochSchedule(40, 8, buckets=x.buckets, shuffle=True).epoch(0)
    parts = [all_steps[first:last] for _, first, last in loop.segments(all_steps)]
    np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), all_steps.rows)
    full = [(part.rows >= 0).all(axis=1) for part in parts]
    assert len(parts) == 1 if not xla else all(len(set(part)) == 1 for part in full)


@pytest.mark.parametrize("name", ["dense", "own-keys"])
def test_a_call_ends_at_a_loss_that_is_not_finite(name):
    case = CASES[name]
    model, args = build_case(case), arguments(case, 40)
    args["y"] = args["y"].copy()
    args["y"][17] = np.nan  # in the third of five steps
    source = make_source(args["x"], args["y"])
    build(model, source)
    loop = Loop(model, source, 8, Options(stop_if_not_finite=True))
    tensors, steps = Feed(source)(EpochSchedule(40, 8).epoch(0))
    loop(tensors, steps, 0, 5)
    # Logs without a loss cannot stop the loop.
    assert int(model.optimizer.iterations) == (3 if name == "dense" else 5)


@pytest.mark.parametrize("compiled_from", [1, 1 << 15])
def test_dropout_draws_the_same_masks_with_and_without_xla(compiled_from, monkeypatch):
    monkeypatch.setattr(dropout_kernel, "_WORTH_COMPILING", compiled_from)

    def model():
        keras.utils.set_random_seed(0)
        inputs = keras.Input((8,))
        hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(16, "relu")(inputs))
        return compiled(keras.Model(inputs, keras.layers.Dense(1)(hidden)))

    args = arguments(CASES["dense"], 40) | {"epochs": 2, "batch_size": 8, "shuffle": False}
    losses = []
    for xla in (True, False):
        net = model()
        source = make_source(args["x"], args["y"])
        build(net, source)
        loop = Loop(net, source, 8, Options(xla=xla, fuse=True))
        tensors, steps = Feed(source)(EpochSchedule(40, 8).epoch(0))
        losses.append(float(loop(tensors, steps, 0, 5)["loss"]))
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    # With xla="off", the masks are those of Keras.
    expected = keras_fit(model(), **args)
    np.testing.assert_allclose(fit(model(), xla="off", **args)["loss"], expected["loss"], atol=1e-5)


def test_many_trainings_in_one_process_cause_no_retracing_warnings(caplog):
    for _ in range(7):
        fit(build_case(CASES["dense"]), **arguments(CASES["dense"]), epochs=1)
    assert "retracing" not in caplog.text


@pytest.mark.parametrize("xla", [True, False])
def test_the_first_call_does_other_work_meanwhile_and_only_once(xla):
    loop, feed, all_steps = make(rows=22, options=Options(xla=xla))
    threads, parts = [], list(loop.segments(all_steps))

    def work():
        threads.append(threading.get_ident())
        for steps, first, _ in parts:
            loop.trace(*feed(steps), first)

    loop.meanwhile = work
    for steps, first, last in parts:
        tensors, steps = feed(steps)
        loop(tensors, steps, first, last)
    other, _, _ = make(rows=22, options=Options(xla=xla))
    for steps, first, last in parts:
        tensors, steps = feed(steps)
        other(tensors, steps, first, last)
    assert threads == [threading.get_ident()]
    for a, b in zip(loop.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_error_of_the_other_work_is_raised_after_the_first_call():
    loop, feed, all_steps = make(rows=16)

    def work():
        raise ValueError("an error")

    loop.meanwhile = work
    tensors, steps = feed(all_steps)
    with pytest.raises(ValueError, match="an error"):
        loop(tensors, steps, 0, 2)
    assert int(loop.model.optimizer.iterations) == 2
