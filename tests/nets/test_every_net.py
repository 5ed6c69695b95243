"""Tests that every net passes: shapes, parameter count, reload, training step, profile, export."""

from __future__ import annotations

import keras
import numpy as np
import onnxruntime
import pytest

import kerasnets as kn
from tests.nets.helpers import (
    FEWER_SAMPLES,
    build,
    conv,
    dense,
    gru,
    inputs_for,
    lstm,
    net_of,
    norm_conv,
    spectral,
    spectral_fixed,
)

SPECTRAL = {32: (32, 32), 64: (48, 48)}
SPECTRAL_SMALL = {64: (22, 32)}
BASELINE_CNN = conv(5, 1, 6, 16)
COUNTS = {
    "seizure-mlp": dense(178, 16, 5),
    "seizure-mlp-two-hidden": dense(178, 16, 16, 5),
    "seizure-mlp-stepped": dense(178, 100, 50, 24, 12, 5),
    "seizure-mlp-wide": dense(178, 256, 256, 256, 256, 5),
    "seizure-cnn": BASELINE_CNN + dense(41 * 16, 128, 5),
    "seizure-cnn-three-dense": BASELINE_CNN + dense(41 * 16, 128, 64, 5),
    "seizure-cnn-five-block": conv(3, 1, 3, 15, 20, 30, 100) + dense(3 * 100, 64, 5),
    "seizure-cnn-dropout": BASELINE_CNN + dense(41 * 16, 128, 64, 5),
    "seizure-spectral": spectral(SPECTRAL, 32),
    "seizure-spectral-small": spectral(SPECTRAL_SMALL, 16),
    "seizure-spectral-long": spectral(SPECTRAL, 32),
    "seizure-gru": gru(1, 16) + dense(16, 5),
    "seizure-gru-2": gru(1, 16, 16) + dense(16, 5),
    "seizure-gru-5": gru(1, *[16] * 5) + dense(16, 5),
    "seizure-bigru": gru(178, 16, biases=1, directions=2) + dense(32, 5),
    "seizure-gru-stepped": gru(178, 64, 32, 16, biases=1, directions=2) + dense(32, 5),
    "seizure-gru-2x32": gru(1, 32, 32) + dense(32, 16, 5),
    "mortality-gru": dense(911, 32) + gru(32, 16) + dense(16, 2),
    "mortality-lstm": dense(911, 64) + lstm(64, 16, 16) + dense(16, 8, 2),
    "mortality-deep": dense(911, 128, 64, 32) + gru(32, *[16] * 4) + dense(16, 2),
    "lenet5": conv(25, 1, 6, 16, 120) + dense(120, 84, 10),
    "digit-mlp-tanh": dense(32 * 32, 256, 64, 16, 10),
    "digit-mlp-1": dense(28 * 28, 100, 10),
    "digit-mlp-2": dense(28 * 28, 150, 50, 10),
    "digit-mlp-3": dense(28 * 28, 500, 350, 150, 10),
    "digit-cnn": conv(9, 1, 32, 32) + 2 * 32 + dense(5 * 5 * 32, 64, 10),
    "digit-cnn-compact": norm_conv([25, 9, 9, 9, 9], 1, 16, 24, 32, 48, 64) + dense(64, 10),
    "covid-1": dense(11, 2),
    "covid-2": dense(11, 16, 2),
    "xor": dense(2, 2, 2),
}
# Weights that are not trained: moving statistics of batch normalizations, kernels of spectra.
NOT_TRAINED = {
    "digit-cnn": 2 * 32,
    "digit-cnn-compact": 2 * (16 + 24 + 32 + 48 + 64),
    "seizure-spectral": spectral_fixed(SPECTRAL, 32),
    "seizure-spectral-small": spectral_fixed(SPECTRAL_SMALL, 16),
    "seizure-spectral-long": spectral_fixed(SPECTRAL, 32),
}
CLASSES = {"seizure": 5, "mimic3": 2, "mnist": 10, "covid": 2, "xor-simulated": 2}
ALL = pytest.mark.parametrize("name", kn.list_nets())


def has_a_single_time_step(net):
    return any(x.name == "as_sequence" and x.output.shape[1] == 1 for x in net.layers)


def test_every_net_is_tested():
    assert set(COUNTS) == set(kn.list_nets())


@pytest.mark.parametrize("name", FEWER_SAMPLES)
def test_the_default_number_of_samples(name):
    expected = 2_047 if name.endswith("-long") else 178
    assert kn.build(name).input_shape == (None, expected)


@ALL
def test_the_last_layer_returns_logits(name):
    net = net_of(name)
    classes = CLASSES[kn.describe(name).data]
    assert net.name == name
    assert net.output_shape == (None, classes)
    assert net.layers[-1].name == "logits"
    assert net.layers[-1].activation is keras.activations.linear
    assert net(inputs_for(net, 3)).shape == (3, classes)


@ALL
def test_the_parameter_count_equals_the_formula(name):
    net = net_of(name)
    assert sum(weight.shape.num_elements() for weight in net.trainable_weights) == COUNTS[name]
    assert net.count_params() == COUNTS[name] + NOT_TRAINED.get(name, 0)


@ALL
def test_building_twice_returns_the_same_net_with_new_weights(name):
    first, again = net_of(name), build(name)
    assert again.get_config()["layers"][0] == first.get_config()["layers"][0]
    assert not np.array_equal(first.layers[-1].kernel, again.layers[-1].kernel)


@ALL
def test_a_reloaded_net_has_the_same_outputs(name, tmp_path):
    net = net_of(name)
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    x = inputs_for(net, 7)
    np.testing.assert_array_equal(net(x), again(x))
    assert again.count_params() == net.count_params()


@ALL
def test_one_training_step_changes_every_weight(name):
    keras.utils.set_random_seed(1)
    net = build(name)
    before = net.get_weights()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile("sgd", loss, run_eagerly=True)  # compilation takes longer than one step
    x = inputs_for(net, 32, scale=1)
    y = np.arange(32) % net.output_shape[-1]
    assert np.isfinite(net.train_on_batch(x, y))
    for weight, old, new in zip(net.weights, before, net.get_weights(), strict=True):
        assert np.isfinite(new).all()
        # With a single time step, recurrent weights are multiplied by the initial state, zero.
        one_step = "recurrent" in weight.path and has_a_single_time_step(net)
        fixed = "spectrum" in weight.path and weight.path.endswith("_kernel")
        assert np.array_equal(old, new) == (one_step or fixed), weight.path


@ALL
def test_the_profile_agrees_with_keras(name):
    cost = kn.profile(net_of(name))
    assert cost.trainable_params == COUNTS[name]
    assert cost.params == COUNTS[name] + NOT_TRAINED.get(name, 0)
    assert not cost.unsupported
    assert 0 < cost.macs < cost.flops


@ALL
def test_exported_files_have_the_same_outputs(name, tmp_path):
    net = net_of(name)
    # The samples have fewer steps than random ones; Keras runs all of them eagerly.
    samples = inputs_for(net, 5)
    path = kn.export(net, tmp_path / name, formats=("onnx",), verify=False, samples=samples)
    session = onnxruntime.InferenceSession(path / "model.onnx")
    assert {x.name for x in session.get_inputs()} == {x.name for x in net.inputs}
    for rows in (1, 5):
        x = inputs_for(net, rows)
        feed = x if isinstance(x, dict) else {net.inputs[0].name: x}
        logits, probabilities = session.run(["logits", "probabilities"], feed)
        # As in verify, relative to the largest logit, because float32 has seven digits.
        expected = np.asarray(net(x))
        atol = 1e-5 * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(logits, expected, atol=atol, rtol=0)
        np.testing.assert_allclose(probabilities, keras.ops.softmax(net(x)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "arguments", "count"),
    [
        ("seizure-gru", {"reset_after": False}, 949),
        ("seizure-gru", {"units": [8, 4]}, gru(1, 8, 4) + dense(4, 5)),
        ("seizure-bigru", {"reset_after": True}, gru(178, 16, directions=2) + dense(32, 5)),
        ("seizure-mlp", {"units": [], "classes": 2}, dense(178, 2)),
        ("seizure-mlp", {"units": [7], "samples": 9}, dense(9, 7, 5)),
        ("seizure-cnn", {"filters": [4], "units": [3]}, conv(5, 1, 4) + dense(87 * 4, 3, 5)),
        ("seizure-gru-2x32", {"dense_units": []}, gru(1, 32, 32) + dense(32, 5)),
        (
            "seizure-spectral",
            {"frames": [16], "steps": [4], "filters": [[7]], "units": 3, "classes": 2},
            spectral({16: [7]}, 3, 2) + spectral_fixed({16: [7]}, 3),
        ),
        (
            "digit-cnn-compact",
            {"filters": [4, 5], "kernel_sizes": [5, 3], "strides": [2, 1]},
            norm_conv([25, 9], 1, 4, 5) + 2 * 9 + dense(12 * 12 * 5, 10),
        ),
        ("lenet5", {"size": 20, "classes": 3}, conv(25, 1, 6, 16, 120) + dense(120, 84, 3)),
        ("lenet5", {"filters": [4], "units": []}, conv(25, 1, 4) + dense(28 * 28 * 4, 10)),
        ("digit-mlp-tanh", {"frame": None, "units": [9]}, dense(784, 9, 10)),
        ("digit-mlp-3", {"size": 8}, dense(64, 500, 350, 150, 10)),
        ("covid-1", {"features": 4, "units": [3]}, dense(4, 3, 2)),
        ("xor", {"classes": 1}, 9),
        ("mortality-gru", {"features": 40}, dense(40, 32) + gru(32, 16) + dense(16, 2)),
        ("mortality-gru", {"reset_after": False}, 31_618 - 3 * 16),
        ("mortality-gru", {"wide": True}, 31_618 + 2 * 911),
        (
            "mortality-lstm",
            {"wide": True, "features": 3},
            dense(3, 64) + lstm(64, 16, 16) + dense(16, 8) + dense(8 + 3, 2),
        ),
        (
            "mortality-deep",
            {"dense_units": [5], "units": [4], "features": 3},
            dense(3, 5) + gru(5, 4) + dense(4, 2),
        ),
    ],
)
def test_sizes_are_arguments(name, arguments, count):
    assert kn.build(name, **arguments).count_params() == count


@pytest.mark.parametrize(
    "name",
    [
        "seizure-mlp",
        "seizure-cnn",
        "seizure-cnn-dropout",
        "seizure-gru",
        "seizure-bigru",
        "digit-mlp-1",
        "digit-cnn",
        "covid-2",
    ],
)
def test_dropout_layers_exist_exactly_if_the_rate_is_not_zero(name):
    def rates(net):
        layers = [getattr(layer, "forward_layer", layer) for layer in net.layers]
        return {float(getattr(layer, "rate", getattr(layer, "dropout", 0))) for layer in layers}

    assert rates(kn.build(name, dropout=0.0)) == {0.0}
    assert 0.3 in rates(kn.build(name, dropout=0.3))


def test_more_activations_than_layers_are_refused():
    with pytest.raises(ValueError, match="units has 1 layers and activation has 2"):
        kn.build("seizure-mlp", activation=["relu", "tanh"])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("seizure-mlp", {"units": [0]}),
        ("seizure-mlp", {"units": [-3]}),
        ("seizure-mlp", {"units": "wide"}),
        ("seizure-mlp", {"units": [3.5]}),
        ("seizure-gru", {"units": [True]}),
        ("seizure-mlp", {"dropout": 1.5}),
        ("seizure-cnn", {"samples": 8}),
        ("seizure-mlp", {"activation": "no-such"}),
        ("lenet5", {"size": 33}),
        ("xor", {"units": [3], "by_hand": True}),
        ("xor", {"classes": 3, "by_hand": True}),
    ],
)
def test_invalid_arguments_are_refused(name, arguments):
    with pytest.raises(ValueError, match=r".+"):
        kn.build(name, **arguments)
