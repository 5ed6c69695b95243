"""Many steps a call give what single steps give: on sequences, with XLA, and left as they were."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets.data import Split
from kerasnets.engine import autotune
from kerasnets.engine.autotune import Cost, choose, measure, read_costs, write_costs
from kerasnets.engine.kernels import dropout as fast_dropout
from kerasnets.engine.kernels.layers import fast_layers
from kerasnets.engine.schedule import row_matrices
from kerasnets.engine.sources import inputs_on_device
from kerasnets.engine.stream import streamed_batches
from kerasnets.training import steps
from kerasnets.training.recipe import make_recipe
from tests.training.test_steps import plain_fit, recipe, small_model, split


@pytest.fixture(scope="module")
def visits():
    """Short sequences alone, since XLA compiles each padded time."""
    data = kn.load_data("mortality-simulated", patients=300)

    def short(split):
        rows = np.flatnonzero(split.x.lengths <= 3)
        return Split(split.x.subset(rows), split.y[rows])

    return dataclasses.replace(data, **{name: short(part) for name, part in data.splits.items()})


def test_visits_made_on_the_device_are_those_made_by_numpy(visits):
    x = visits.train.x
    rows = np.array([5, 0, 17])
    time = int(x.lengths[rows].max()) + 2
    expected = x.subset(rows).dense(time)
    inputs = inputs_on_device(x)
    fixed = tf.function(lambda rows: inputs(rows, time), jit_compile=True)
    free = tf.function(inputs, input_signature=[tf.TensorSpec((None,), tf.int32),
                                                tf.TensorSpec((), tf.int32)])  # fmt: skip
    for made in (fixed(tf.constant(rows, tf.int32)), free(rows.astype("int32"), time)):
        for name in ("visits", "length"):
            np.testing.assert_array_equal(made[name], expected[name])


@pytest.mark.parametrize("xla", ["on", "off"])
def test_an_epoch_on_sequences_is_that_of_single_steps(visits, xla):
    train = visits.train
    settings = make_recipe("mortality-gru", epochs=1, batch_size=16, xla=xla)
    ours, plain = (_built(train.x.features, settings, train) for _ in range(2))
    steps.run_epochs(ours, train, visits.validation, settings, 0, [], lambda steps: None)
    buckets = steps.make_buckets(train.x.lengths)
    losses, sizes = [], []
    for rows in buckets.batches(16, np.random.default_rng([0, 0])):
        x = train.x.subset(rows).dense(buckets.time(rows))
        plain.reset_metrics()
        losses.append(plain.train_on_batch(x, train.y[rows], return_dict=True)["loss"])
        sizes.append(len(rows))
    expected = np.average(losses, weights=sizes)
    assert ours.history.history["loss"][0] == pytest.approx(expected, abs=1e-5)
    evaluated = plain.evaluate(
        visits.validation.x.dense(), visits.validation.y, verbose=0, return_dict=True
    )
    assert ours.history.history["val_loss"][0] == pytest.approx(evaluated["loss"], abs=1e-5)


def _built(features, settings, train):
    keras.utils.set_random_seed(0)
    model = kn.build("mortality-gru", features=features)
    steps.compile_model(model, settings, train)
    return model


RECURRENT = {
    "gru": lambda: keras.layers.GRU(4, return_sequences=True, bias_initializer="normal"),
    "gru-one-bias": lambda: keras.layers.GRU(4, reset_after=False, bias_initializer="normal"),
    "gru-backwards": lambda: keras.layers.GRU(4, go_backwards=True, use_bias=False),
    "lstm": lambda: keras.layers.LSTM(4, return_sequences=True, bias_initializer="normal"),
    "both-ways": lambda: keras.layers.Bidirectional(keras.layers.GRU(4)),
    "relu": lambda: keras.layers.GRU(4, activation="relu"),
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", RECURRENT)
def test_fast_recurrent_layers_give_values_and_gradients_of_keras(kind, masked):
    keras.utils.set_random_seed(0)
    sequence, mask = keras.Input((6, 3)), keras.Input((6,), dtype="bool")
    out = RECURRENT[kind]()(sequence, mask=mask if masked else None)
    model = keras.Model([sequence, mask], keras.layers.Dense(2)(out))
    x = np.random.default_rng(0).normal(size=(3, 6, 3)).astype("float32")
    given = [tf.constant(x), tf.constant(np.arange(6) < np.array([[6], [1], [4]]))]

    def run():
        with tf.GradientTape() as tape:
            tape.watch(given[0])
            loss = tf.reduce_sum(model(given, training=True) ** 2)
        weights = [weight.value for weight in model.trainable_variables]
        return [loss, *tape.gradient(loss, [given[0], *weights])]

    usual = tf.function(run, autograph=False)()
    with fast_layers(model):
        fast = tf.function(run, autograph=False)()
    for a, b in zip(fast, usual, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["dense", "batch-norm", "gru"])
def test_with_xla_too_the_loss_curve_is_that_of_plain_fit(kind):
    train, settings = split(150), recipe(epochs=2, learning_rate=0.01, xla="on")
    ours = small_model(kind)
    steps.compile_model(ours, settings, train)
    steps.run_epochs(ours, train, split(40, 1), settings, 0, [], lambda steps: None)
    expected = plain_fit(small_model(kind), train, settings)
    for key in ("loss", "accuracy"):
        np.testing.assert_allclose(ours.history.history[key], expected[key], atol=1e-5, rtol=0)


@pytest.mark.parametrize("compiled", [1, 1 << 15])
def test_dropout_draws_the_same_masks_with_and_without_xla(compiled, monkeypatch):
    monkeypatch.setattr(fast_dropout, "_WORTH_COMPILING", compiled)
    train, curves = split(150), []
    for xla in (True, False):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((train.x.shape[1],))
        hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(64, "relu")(inputs))
        model = keras.Model(inputs, keras.layers.Dense(3)(hidden), name="small")
        settings = recipe(epochs=2)
        steps.compile_model(model, settings, train)
        loop = steps.make_loop(model, train, settings, xla)
        steps.run_epochs(model, train, split(40, 1), settings, 0, [], lambda steps: None, loop)
        curves.append(model.history.history["loss"])
    np.testing.assert_allclose(*curves, atol=1e-5, rtol=0)


def test_without_xla_altogether_the_loss_curve_of_dropout_is_that_of_plain_fit():
    train, settings = split(150), recipe(epochs=2, xla="off")

    def build():
        model = small_model()
        out = keras.layers.Dropout(0.5)(model.layers[1].output)
        return keras.Model(model.input, keras.layers.Dense(3)(out), name="small")

    ours = build()
    steps.compile_model(ours, settings, train)
    steps.run_epochs(ours, train, split(40, 1), settings, 0, [], lambda steps: None)
    expected = plain_fit(build(), train, settings)
    np.testing.assert_allclose(ours.history.history["loss"], expected["loss"], atol=1e-5, rtol=0)


def test_data_that_do_not_fit_are_streamed_in_the_same_batches(monkeypatch):
    train, settings = split(70), recipe(epochs=2, class_weights="balanced")
    results = []
    for fits in (True, False):
        monkeypatch.setattr(steps, "fits_in_memory", lambda split, fits=fits: fits)
        model, told = small_model(), []
        steps.compile_model(model, settings, train)
        steps.run_epochs(model, train, split(40, 1), settings, 0, [], told.append)
        assert sum(told) == 2 * 5
        results.append(model.history.history)
    for key, values in results[0].items():
        np.testing.assert_allclose(results[1][key], values, atol=1e-5, rtol=0)


def test_a_stream_gives_rows_of_several_inputs():
    x = {"a": np.arange(10.0), "b": np.arange(20).reshape(10, 2)}
    given = streamed_batches(Split(x, np.arange(10)), 4, seed=1, epochs=range(1))
    rows_of = row_matrices(10, 4, seed=1, epochs=range(1), whole_epochs=False)
    order = [rows[0] for rows, _ in rows_of]
    for (inputs, y), rows in zip(given.as_numpy_iterator(), order, strict=True):
        np.testing.assert_array_equal(inputs["a"], x["a"][rows])
        np.testing.assert_array_equal(inputs["b"], x["b"][rows])
        np.testing.assert_array_equal(y, rows)


def test_measuring_leaves_the_model_as_it_was_to_the_bit():
    train, settings, model = split(70), recipe(), small_model("batch-norm")
    steps.compile_model(model, settings, train)
    loop = steps.make_loop(model, train, settings, xla=False)
    rows, buckets = steps.epoch_pieces(train, settings, range(1))[0]
    state = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [variable.numpy() for variable in state]
    cost = measure(model, lambda count: loop(rows, buckets, 0, count), len(rows))
    assert cost.compile > cost.step > 0
    for variable, value in zip(state, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_what_xla_cannot_compile_is_trained_without(tmp_path):
    # Pictures moved by affine_transform, for which XLA has no kernel on a CPU.
    data = kn.load_data("digits")
    given = {"data": data, "epochs": 1, "progress": False}
    with pytest.raises(ValueError, match=r"XLA cannot compile digit-cnn-compact .*'auto' or 'off'"):
        kn.train("digit-cnn-compact", out=tmp_path / "on", xla="on", **given)
    net = kn.build("digit-cnn-compact")
    settings = make_recipe("digit-cnn-compact", epochs=10_000)
    steps.compile_model(net, settings, data.train)
    before = [weight.numpy() for weight in net.weights]
    assert steps.make_loop(net, data.train, settings).xla is False
    for weight, value in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    # Kept: no second try.
    assert choose({False: Cost(1, 1), True: None}, lambda: pytest.fail("tried"), 10**6) is False


def test_the_way_that_ends_first_is_chosen_and_xla_tried_only_where_it_may_pay():
    def never():
        raise AssertionError("compiled with XLA for nothing")

    plain, xla = Cost(1.0, 0.01), Cost(5.0, 0.001)
    assert choose({False: plain}, never, steps=299) is False
    assert choose({False: plain}, never, steps=2999, shapes=10) is False
    costs = {False: plain}
    assert choose(costs, lambda: xla, steps=300) is False
    assert costs[True] == xla
    # 1 + 0.01 n = 5 + 0.001 n at n = 444.4
    assert choose(costs, never, steps=444) is False
    assert choose(costs, never, steps=445) is True


def test_costs_are_kept_for_the_net_and_a_damaged_file_is_measured_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(autotune, "cache_dir", lambda: tmp_path)
    model, other = small_model(), small_model("gru")
    for one in (model, other):
        steps.compile_model(one, recipe(), split(20))
    path = autotune.costs_file(model, 32)
    assert path == autotune.costs_file(model, 32)
    assert len({path, autotune.costs_file(other, 32), autotune.costs_file(model, 16)}) == 3
    costs = {False: Cost(1.0, 0.5), True: Cost(2.0, 0.25)}
    write_costs(path, costs)
    assert read_costs(path) == costs
    path.write_text("{")
    assert read_costs(path) == read_costs(tmp_path / "none") == {}


def test_the_choice_is_kept_in_the_run_folder_and_used_again(tmp_path, monkeypatch):
    monkeypatch.setattr(autotune, "cache_dir", lambda: tmp_path / "cache")
    data = kn.load_data("seizure-simulated", recordings_per_class=4)
    run = kn.train("seizure-mlp", data=data, epochs=1, out=tmp_path / "a", progress=False)
    assert run.environment["xla"] is False
    assert len(list((tmp_path / "cache" / "costs").iterdir())) == 1
    run = kn.train("seizure-mlp", data=data, epochs=1, xla="on", out=tmp_path / "b", progress=False)
    assert run.environment["xla"] is True


def test_many_trainings_in_one_process_cause_no_hints_at_retracing(caplog):
    train, settings = split(20), recipe(epochs=1)
    for _ in range(7):
        model = small_model()
        steps.compile_model(model, settings, train)
        steps.run_epochs(model, train, train, settings, 0, [], lambda steps: None)
    assert "retracing" not in caplog.text
