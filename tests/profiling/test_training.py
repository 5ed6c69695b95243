"""Training: the backward pass, layers active in training only, the weight update."""

import keras
import pytest
from keras import layers

import kerasnets as kn


def phases(*stack, shape=(7,), optimizer="sgd", **arguments):
    model = keras.Sequential([keras.Input(shape), *stack])
    cost = kn.profile(model, mode="training", optimizer=optimizer, **arguments)
    assert cost.flops == sum(cost.phases.values())
    return cost.phases


def test_a_dense_net_against_a_calculation_by_hand():
    cost = phases(layers.Dense(4, "sigmoid"), layers.Dense(3))
    forward = 2 * 7 * 4 + 4 * 4 + 2 * 4 * 3
    last = 2 * (4 * 3) + 2 * (4 * 3) + 3  # dx, dW, db
    first = 3 * 4 + 2 * (7 * 4) + 4  # dy · y · (1 − y), dW, db; no dx for the data
    parameters = (7 + 1) * 4 + (4 + 1) * 3
    assert cost == {"forward": forward, "backward": last + first, "update": 2 * parameters}


def test_frozen_layers_compute_gradients_only_for_trainable_layers_before_them():
    frozen_last = phases(layers.Dense(4), layers.Dense(3, trainable=False))
    assert frozen_last["backward"] == 2 * 4 * 3 + (2 * 7 * 4 + 4)
    frozen_first = phases(layers.Dense(4, trainable=False), layers.Dense(3))
    assert frozen_first["backward"] == 2 * 4 * 3 + 3
    assert frozen_first["update"] == 2 * (4 + 1) * 3
    assert set(phases(layers.Dense(4, trainable=False))) == {"forward"}


@pytest.mark.parametrize(
    ("layer", "shape", "each"),
    [
        (layers.Activation("relu"), (4,), 1 * 4),
        (layers.Activation("tanh"), (4,), 3 * 4),
        (layers.Softmax(), (4,), 4 * 4 - 1),
        (layers.Dropout(0.5), (4,), 2 * 4),
    ],
)
def test_backward_of_layers_without_weights(layer, shape, each):
    cost = phases(layers.Dense(4), layer)
    assert cost["backward"] == each + 2 * 7 * 4 + 4


def test_backward_of_pooling():
    head = layers.Conv1D(2, 3, use_bias=False)
    positions, products = 8 - 3 + 1, 3 * 1 * 2
    for pool, each in ((layers.MaxPooling1D(2), 1), (layers.AveragePooling1D(2), 2 + 1)):
        cost = phases(head.__class__.from_config(head.get_config()), pool, shape=(8, 1))
        assert cost["backward"] == each * (positions // 2) * 2 + 2 * positions * products


def test_dropout_and_batch_statistics_cost_nothing_in_inference():
    plain = phases(layers.Dense(4))["forward"]
    assert phases(layers.Dense(4), layers.Dropout(0.5))["forward"] == plain + 3 * 4
    model = keras.Sequential([keras.Input((5, 4)), layers.BatchNormalization()])
    inference = kn.profile(model).flops
    moments = 4 * ((5 - 1) + 1 + 5 + 5 + (5 - 1) + 1)
    averages = 4 * 2 * 3
    training = kn.profile(model, mode="training", optimizer="sgd").phases["forward"]
    assert training == inference + moments + averages


def test_a_recurrent_layer_has_gradients_for_every_step():
    cost = phases(layers.SimpleRNN(4), shape=(10, 3))
    products = 10 * 4 * (3 + 4)
    assert cost["backward"] == 2 * products + 2 * products + 10 * 4 + 10 * 4 * 3


@pytest.mark.parametrize(
    ("optimizer", "each"),
    [("sgd", 2), ("momentum", 4), ("rmsprop", 9), ("adagrad", 7), ("adam", 12), ("adamw", 14)],
)
def test_cost_of_the_weight_update(optimizer, each):
    assert phases(layers.Dense(4), optimizer=optimizer)["update"] == each * (7 + 1) * 4


def test_the_compiled_optimizer_is_the_default():
    model = keras.Sequential([keras.Input((7,)), layers.Dense(4)])
    assert kn.profile(model, mode="training").phases["update"] == 12 * 32
    model.compile(keras.optimizers.SGD(0.1), "mse")
    assert kn.profile(model, mode="training").phases["update"] == 2 * 32
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    assert kn.profile(model, mode="training").phases["update"] == 4 * 32
    assert kn.profile(model, mode="training", optimizer="adam").phases["update"] == 12 * 32
