"""Callbacks are called in ``kerasnets.fit`` as Keras calls them, and see the same numbers."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

from kerasnets.engine.epochs import wants_batches
from tests.engine.helpers import (
    assert_same_history,
    assert_same_weights,
    fit,
    keras_fit,
    reference,
)
from tests.engine.models import CASES, arguments, build

callbacks = keras.callbacks


def model(name="dense"):
    return build(CASES[name])


def options(name="dense", **more):
    """22 rows in three batches, three epochs in order, with validation."""
    args = arguments(CASES[name])
    validation = {"validation_data": (args["x"], args["y"])}
    return args | {"epochs": 3, "batch_size": 8, "shuffle": False} | validation | more


class Record(callbacks.Callback):
    """Records every call with its numbers and logs."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def record(*values, logs=None):
            values, logs = (values[:-1], values[-1]) if _has_logs(values) else (values, logs)
            self.calls.append((name, values, dict(logs or {})))

        return record


def _has_logs(values):
    return bool(values) and (values[-1] is None or isinstance(values[-1], dict))


def assert_same_calls(ours, expected):
    assert [call[:2] for call in ours] == [call[:2] for call in expected]
    for (_, _, a), (_, _, b) in zip(ours, expected, strict=True):
        assert list(a) == list(b)
        assert all(isinstance(value, float) for value in a.values())
        np.testing.assert_allclose(list(a.values()), list(b.values()), atol=1e-5)


@pytest.mark.parametrize("name", ["dense", "own-keys", "dict-outputs"])
def test_a_callback_gets_every_call_of_keras(name):
    recorded = Record(), Record()
    for run, record in zip((fit, keras_fit), recorded, strict=True):
        run(model(name), callbacks=[record], **options(name))
    assert_same_calls(*(record.calls for record in recorded))


class StopsInABatch(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            self.model.stop_training = True


class HalvesTheRate(callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        rate = self.model.optimizer.learning_rate
        rate.assign(rate / 2)


def _schedule(epoch, rate):
    return rate / (epoch + 1)


def nothing(*values):
    """A method of a callback."""


CALLBACKS = {
    "early-stopping": lambda: callbacks.EarlyStopping(
        "loss", mode="max", patience=1, restore_best_weights=True),
    "reduce-on-plateau": lambda: callbacks.ReduceLROnPlateau(min_delta=10, patience=1),
    "rate-scheduler": lambda: callbacks.LearningRateScheduler(_schedule),
    "terminate-on-nan": callbacks.TerminateOnNaN,
    "lambda": lambda: callbacks.LambdaCallback(on_epoch_end=nothing),
    "stops-in-a-batch": StopsInABatch,
    "halves-the-rate": HalvesTheRate,
}  # fmt: skip


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_change_the_training_as_in_keras(name):
    ours, expected, args = model(), reference(model), options(epochs=4)
    history = fit(ours, callbacks=[CALLBACKS[name]()], **args)
    assert_same_history(history, keras_fit(expected, callbacks=CALLBACKS[name](), **args))
    assert_same_weights(ours, expected)
    assert ours.stop_training == expected.stop_training


def test_a_loss_that_is_not_a_number_ends_the_training_at_its_batch():
    args, seen = options(), []
    args["y"] = args["y"].copy()
    args["y"][9] = np.nan
    record = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    history = fit(model(), **args, callbacks=[callbacks.TerminateOnNaN(), record])
    assert seen == [0, 1]
    assert len(history["loss"]) == 1


def test_average_weights_are_swapped_in_and_out():
    ours, expected = model("batch-norm-adamw-ema"), model("batch-norm-adamw-ema")
    args = options("batch-norm-adamw-ema")
    histories = [
        run(net, callbacks=[callbacks.SwapEMAWeights(swap_on_epoch=True)], **args)
        for run, net in ((fit, ours), (keras_fit, expected))
    ]
    assert_same_history(*histories)
    assert_same_weights(ours, expected)


def test_files_that_callbacks_write_are_those_of_keras(tmp_path):
    args, logs, files = options(), [], []
    for run in (fit, keras_fit):
        folder = tmp_path / run.__name__
        folder.mkdir()
        used = [
            callbacks.ModelCheckpoint(folder / "{epoch}.weights.h5", save_weights_only=True),
            callbacks.CSVLogger(tmp_path / f"{run.__name__}.csv"),
            callbacks.TensorBoard(folder / "board", update_freq=2, profile_batch=0),
        ]
        net = model()
        run(net, callbacks=used, **args)
        restored = model()
        restored.optimizer.build(restored.trainable_variables)
        restored.load_weights(folder / "3.weights.h5")
        assert_same_weights_only(restored, net)
        rows = (tmp_path / f"{run.__name__}.csv").read_text().splitlines()
        logs.append([[float(cell) for cell in row.split(",")] for row in rows[1:]])
        files.append(sorted(path.name for path in folder.glob("*.h5")))
        assert list((folder / "board" / "train").iterdir())
    np.testing.assert_allclose(*logs, atol=1e-5)
    assert files == [["1.weights.h5", "2.weights.h5", "3.weights.h5"]] * 2


def assert_same_weights_only(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("run", [fit, keras_fit])
def test_a_checkpoint_is_saved_after_every_second_batch(run, tmp_path):
    checkpoint = callbacks.ModelCheckpoint(
        tmp_path / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=2
    )
    run(model(), callbacks=[checkpoint], **options(epochs=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1-2.weights.h5", "2-1.weights.h5", "2-3.weights.h5",
    ]  # fmt: skip


def test_an_interrupted_training_is_resumed_from_its_backup(tmp_path):
    expected, args = model(), options(epochs=4)
    keras_fit(expected, **args)

    def stop(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    backup = [callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)]
    interrupt = callbacks.LambdaCallback(on_epoch_begin=stop)
    with pytest.raises(KeyboardInterrupt):
        fit(model(), callbacks=[*backup, interrupt], **args)
    ours = model()
    history = fit(ours, callbacks=backup, **args)
    assert len(history["loss"]) == 2
    assert_same_weights(ours, expected)


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("validated", [True, False])
def test_the_printed_text_is_that_of_keras(verbose, validated, capsys):
    args = options(verbose=verbose) if validated else options(verbose=verbose, validation_data=None)
    printed = []
    for run in (fit, keras_fit):
        run(model(), **args)
        text = re.sub(r"\x1b\[[0-9;]*m|\x08", "", capsys.readouterr().out)
        lines = [line for part in text.splitlines() for line in part.split("\r")]
        # The last state of each progress bar, without times and without the bar.
        lines = [line for line in lines if line.startswith(("Epoch", "3/3"))]
        lines = [re.sub(r"\S*\d+m?u?s(/step| )?|━+|\s+", " ", line).split() for line in lines]
        printed.append([line for at, line in enumerate(lines) if at + 1 == len(lines)
                        or lines[at + 1][0] != line[0]])  # fmt: skip
    assert printed[0] == printed[1]
    assert len(printed[0]) == 6
    assert "loss:" in printed[0][1]


def test_only_callbacks_with_batch_methods_want_every_batch():
    def wants(*used, kind="train"):
        return wants_batches(callbacks.CallbackList(list(used), add_history=True), kind)

    class Tested(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            """Wants the batches of a test."""

    weights = {"filepath": "a.weights.h5", "save_weights_only": True}
    assert not wants(callbacks.EarlyStopping(), callbacks.ModelCheckpoint(**weights))
    assert not wants(callbacks.ProgbarLogger(), callbacks.LambdaCallback(on_epoch_end=nothing))
    assert wants(callbacks.ModelCheckpoint(**weights, save_freq=3))
    assert wants(callbacks.LambdaCallback(on_train_batch_end=nothing))
    assert wants(callbacks.TerminateOnNaN())
    assert not wants(Tested())
    assert wants(Tested(), kind="test")


def test_a_callback_list_of_the_user_is_used_unchanged():
    record = Record()
    net = model()
    own = callbacks.CallbackList([record], add_history=True, model=net, epochs=1)
    history = fit(net, **options(epochs=1, callbacks=own))
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]
    assert ("on_train_batch_end", (2,)) in [call[:2] for call in record.calls]


def test_several_steps_per_execution_are_counted_as_in_keras():
    def calls(run):
        seen = []
        watch = callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: seen.append(("begin", batch)),
            on_train_batch_end=lambda batch, logs: seen.append(("end", batch)),
        )
        net = model()
        net.steps_per_execution = 2
        run(net, **options(callbacks=[watch]))
        return seen

    # Three batches in executions of two: the second one ends after the data.
    epoch = [("begin", 0), ("end", 1), ("begin", 2), ("end", 3)]
    assert calls(fit) == calls(keras_fit) == 3 * epoch


class Scaled(keras.Model):
    """A model with a plain attribute that its step uses."""

    factor = 1.0

    def compute_loss(self, *args, **kwargs):
        return self.factor * super().compute_loss(*args, **kwargs)


def test_what_a_callback_sets_before_the_first_step_is_used():
    class SetFactor(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.factor = 10.0

    def train(run, used):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((3,))
        net = Scaled(inputs, keras.layers.Dense(1)(inputs))
        net.compile("sgd", "mse")
        x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
        return run(net, x=x, y=x[:, :1], shuffle=False, callbacks=used)

    changed = train(fit, [SetFactor()])
    assert_same_history(changed, train(keras_fit, [SetFactor()]))
    assert changed["loss"][0] > 5 * train(fit, [])["loss"][0]
