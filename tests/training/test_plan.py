"""Training with a recipe equals Keras's own ``fit`` on the same batches."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.engine import pace, stream
from kerasnets.engine.autotune import Cost
from kerasnets.engine.kernels import dropout as fast_dropout
from kerasnets.engine.loop import XlaCannotError
from kerasnets.engine.sources import as_source
from kerasnets.training import plan as plan_module
from kerasnets.training.callbacks import TrainingDivergedError
from kerasnets.training.plan import Plan, class_weights, compile_model, plan_notes
from tests.training.helpers import (
    CLASSIFICATION,
    assert_same_bits,
    dataset,
    plain_fit,
    recipe,
    run_plan,
    small_model,
    train,
)


@pytest.mark.parametrize(
    ("kind", "settings_of_xla"),
    [
        ("dense", ("off", "on")),
        ("batch-norm", ("auto", "on")),
        ("gru", ("auto",)),
        ("conv", ("auto",)),
    ],
)
def test_losses_and_weights_equal_those_of_plain_fit(kind, settings_of_xla):
    options = {"epochs": 2, "schedule": "cosine", "learning_rate": 0.01}
    plain = small_model(kind)
    expected = plain_fit(plain, dataset(), recipe(**options))
    for xla in settings_of_xla:
        ours = small_model(kind)
        history = run_plan(ours, dataset(), recipe(**options, xla=xla))
        for key in ("loss", "accuracy"):
            np.testing.assert_allclose(history[key], expected[key], atol=1e-5, rtol=0)
        for a, b in zip(ours.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def test_without_xla_dropout_uses_the_masks_of_keras():
    settings = recipe(epochs=2, xla="off")
    history = run_plan(small_model("dropout"), dataset(), settings)
    expected = plain_fit(small_model("dropout"), dataset(), settings)
    np.testing.assert_allclose(history["loss"], expected["loss"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("compiled_elements", [1, 1 << 15])
def test_dropout_masks_are_equal_with_and_without_xla(compiled_elements, monkeypatch):
    monkeypatch.setattr(fast_dropout, "_WORTH_COMPILING", compiled_elements)
    losses = [
        run_plan(small_model("dropout"), dataset(), recipe(epochs=2), xla=xla)["loss"]
        for xla in (True, False)
    ]
    np.testing.assert_allclose(*losses, atol=1e-5, rtol=0)


def test_class_weights_are_those_of_keras():
    data, settings = dataset(), recipe(epochs=2, class_weights="balanced")
    counts = np.bincount(data.train.y)
    assert len(set(counts)) == 3
    weights = {label: len(data.train) / (3 * n) for label, n in enumerate(counts)}
    history = run_plan(small_model(), data, settings)
    expected = plain_fit(small_model(), data, settings, class_weight=weights)
    np.testing.assert_allclose(history["loss"], expected["loss"], atol=1e-5, rtol=0)


def test_balanced_class_weights_have_mean_one_and_skip_missing_classes():
    weights = class_weights(np.array([0, 0, 0, 2]))
    np.testing.assert_allclose(weights, [4 / 6, 4 / 6, 4 / 6, 2])
    assert weights.mean() == pytest.approx(1)
    assert weights.dtype == np.float32


@pytest.mark.parametrize("kind", ["dense", "gru"])
def test_the_bits_do_not_depend_on_the_steps_per_call(kind, monkeypatch):
    results = []
    for seconds in (0, 1e-4, 10) if kind == "dense" else (0, 10):
        monkeypatch.setattr(pace, "SECONDS_PER_CALL", seconds)
        model = small_model(kind)
        run_plan(model, dataset(), recipe(epochs=2))
        results.append(model.get_weights())
    for other in results[1:]:
        assert_same_bits(results[0], other)


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 150])
def test_every_row_is_taken_once_per_epoch(rows):
    model, calls = small_model(), []
    run_plan(model, dataset(rows), recipe(epochs=2), calls=calls)
    assert int(model.optimizer.iterations) == sum(calls) == 2 * math.ceil(rows / 16)


@pytest.mark.parametrize("rows", [150, 30])
@pytest.mark.parametrize("kind", ["dense", "gru"])
def test_the_first_step_whose_loss_is_not_finite_is_named(kind, rows):
    data, settings = dataset(rows), recipe(epochs=3)
    data.train.x[7] = np.nan
    order = Plan(settings, data).schedule.epoch(0).rows
    step = 1 + int(np.argwhere(order == 7)[0][0])
    with pytest.raises(TrainingDivergedError, match=rf"loss is nan at step {step} of epoch 1\."):
        run_plan(small_model(kind), data, settings)


def test_a_later_epoch_with_a_loss_that_is_not_finite_is_named():
    class Poison(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                self.model.layers[1].bias.assign([np.inf] * 8)

    with pytest.raises(TrainingDivergedError, match=r"at step \d of epoch 4\."):
        run_plan(small_model("batch-norm"), dataset(64), recipe(epochs=5), [Poison()])


def test_a_callback_with_batch_methods_sees_every_step():
    data, settings, seen = dataset(), recipe(epochs=2), []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    watched, alone = small_model(), small_model()
    run_plan(watched, data, settings, [spy])
    assert seen == 2 * list(range(Plan(settings, data).schedule.steps_per_epoch))
    run_plan(alone, data, settings)
    assert_same_bits(watched.get_weights(), alone.get_weights())


def test_a_callback_can_stop_the_training():
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 1)
    )
    history = run_plan(small_model(), dataset(40), recipe(epochs=9), [stop])
    assert len(history["loss"]) == 2


def test_data_that_do_not_fit_in_memory_are_streamed_in_the_same_batches(monkeypatch):
    histories = []
    for fits in (True, False):
        monkeypatch.setattr(stream, "fits_in_memory", lambda source, fits=fits: fits)
        calls, settings = [], recipe(epochs=2, class_weights="balanced")
        histories.append(run_plan(small_model(), dataset(70), settings, calls=calls))
        assert sum(calls) == 2 * 5
    for key, values in histories[0].items():
        np.testing.assert_allclose(histories[1][key], values, atol=1e-5, rtol=0)


def test_many_trainings_in_one_process_cause_no_retracing_warnings(caplog):
    for _ in range(7):
        run_plan(small_model(), dataset(20), recipe(epochs=1))
    assert "retracing" not in caplog.text


@pytest.mark.parametrize(("xla_seconds", "expected"), [(1.0, True), (3.0, False)])
def test_measuring_chooses_the_shorter_training_and_restores_the_model(
    xla_seconds, expected, monkeypatch
):
    """The steps run, but their times are replaced, because measured times vary."""
    times = iter([Cost(compile=2.0), Cost(compile=xla_seconds)])
    measure = plan_module.measure

    def measure_then_replace(*arguments):
        cost = measure(*arguments)
        assert cost.compile > cost.step > 0
        return next(times)

    monkeypatch.setattr(plan_module, "measure", measure_then_replace)
    model, plan = small_model("batch-norm"), Plan(recipe(xla="measure"), dataset(70))
    compile_model(model, plan, CLASSIFICATION)
    before = [value.numpy() for value in _state(model)]
    runner = plan.runner(model, None)
    assert runner.loop.xla is expected
    # Building the metrics adds variables, which start at zero.
    assert_same_bits([value.numpy() for value in _state(model)][: len(before)], before)


def _state(model):
    return [*model.variables, *model.optimizer.variables]


def test_a_model_that_xla_cannot_compile_is_trained_without_it(tmp_path):
    # Images moved by affine_transform, for which XLA has no kernel on a CPU.
    sizes = {"filters": [4, 5], "kernel_sizes": [5, 3], "strides": [2, 1]}
    settings = {"epochs": 1, "xla": "on", "net_arguments": sizes}
    with pytest.raises(XlaCannotError, match=r"cannot compile digit-cnn-compact .*'auto' or xla="):
        train("digit-cnn-compact", kn.load_data("digits"), tmp_path / "on", **settings)
    net, data = kn.build("digit-cnn-compact", **sizes), kn.load_data("digits")
    plan = Plan(recipe(batch_size=1024, epochs=1), data)
    compile_model(net, plan, CLASSIFICATION)
    before, seen = net.get_weights(), []
    # XLA is requested as in a resumed run, because the rule would not choose it here.
    runner = plan.runner(net, True, lambda steps, logs: seen.append(float(logs["loss"])))
    tensors, steps = runner.feed(plan.schedule.epoch(0))
    logs = runner.loop(tensors, steps, 0, 1)
    assert runner.loop.xla is False
    assert np.isfinite(float(logs["loss"]))
    assert int(net.optimizer.iterations) == 1
    assert any(not np.array_equal(a, b) for a, b in zip(before, net.get_weights(), strict=True))


def test_the_share_of_padding_is_described():
    visits = kn.load_data("mortality-simulated", patients=60).train.x
    source = as_source(visits)
    (text,) = plan_notes(source, 32)
    share = f"{100 * source.buckets.padding:.1f} %"
    assert text.startswith(f"{share} of the computed time steps are padding")
    assert text.endswith(str(max(visits.lengths)))
    assert plan_notes(as_source(np.zeros((3, 4))), 3) == []


def test_a_batch_that_is_larger_than_the_training_split_is_no_secret():
    (text,) = plan_notes(as_source(np.zeros((3, 4))), 100_000_000)
    assert text == "batch_size 100,000,000 is larger than the training split, which has 3 rows"
