"""Small nets in the plane: dead units, zero weights, negatives first, and XOR."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.data import load_data
from kerasnets.nets import build
from kerasnets.studies.plane_figures import boundaries_figure, xor_figure
from kerasnets.studies.planes import dead_units, train_plane_net
from kerasnets.studies.xor import POINTS, XOR, train_xor_nets


@pytest.fixture(scope="module")
def gaussians():
    return load_data("gaussians-simulated", points=200)


@pytest.fixture(scope="module")
def study(gaussians):
    return train_plane_net(gaussians, epochs=15, units=(6,), seed=3)


def test_the_output_of_a_dead_unit_is_0_for_every_point():
    point = keras.Input((2,))
    hidden = keras.layers.Dense(3, activation="relu")
    net = keras.Model(point, keras.layers.Dense(2)(hidden(point)))
    # The outputs of the units: x1, always 0, and a value that is positive only for x1 > 2.5.
    hidden.set_weights([np.array([[1, -1, 1], [0, -1, 0]]), np.array([0, 0, -2.5])])
    assert dead_units(net, np.array([[1.0, 2.0], [2.0, 1.0]], "float32")) == 2
    assert dead_units(net, np.array([[1.0, 2.0], [3.0, 1.0]], "float32")) == 1
    assert dead_units(net, np.array([[-1.0, -1.0]], "float32")) == 2


def test_a_net_separates_two_gaussians_with_the_same_losses_for_the_same_seed(gaussians, study):
    assert study.accuracy >= 0.95
    assert len(study.losses) == 15
    assert study.losses[-1] < 0.2 * study.losses[0]
    assert 1 < study.flat_from <= 15
    assert study.units == 6
    assert train_plane_net(gaussians, epochs=15, units=(6,), seed=3).losses == study.losses
    assert study.dead_before is study.recall_before is None


def test_with_zero_weights_relu_units_stay_dead_and_sigmoid_units_stay_equal(gaussians):
    relu = train_plane_net(gaussians, start="zeros", epochs=5, units=(4, 4))
    assert relu.dead_at_start == relu.dead == relu.units == 8
    assert relu.accuracy == 0.5
    sigmoid = train_plane_net(
        gaussians, activation="sigmoid", start="zeros", epochs=5, units=(4, 4)
    )
    assert sigmoid.dead == 0
    assert sigmoid.different_units == [1, 1]


def test_a_net_trained_on_negatives_only_predicts_only_negatives(gaussians):
    study = train_plane_net(gaussians, negatives_first=20, epochs=10, units=(6,), seed=3)
    assert study.recall_before == 0
    assert len(study.losses) == 20 + 10
    assert study.losses[19] < 0.1 < study.losses[20]
    assert study.accuracy > 0.9


def test_wrong_arguments_are_refused(gaussians):
    with pytest.raises(ValueError, match="'random' or 'zeros'"):
        train_plane_net(gaussians, start="ones")
    with pytest.raises(ValueError, match="a batch needs 10"):
        train_plane_net(load_data("xor-simulated", points=12), negatives_first=1)


def test_the_figure_has_one_panel_per_net_and_one_for_the_losses(study):
    figure = boundaries_figure([study] * 3, "Title", columns=2)
    panels = [axes for part in figure.subfigs for axes in part.axes]
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles[0].endswith(f"test accuracy {100 * study.accuracy:.0f} %, {study.dead} of 6 dead")
    assert len(panels) == 4 + 1
    assert not panels[3].axison
    assert len(panels[4].lines) == 3
    np.testing.assert_allclose(panels[4].lines[0].get_ydata(), study.losses)


@pytest.fixture(scope="module")
def xor_nets():
    return {units: train_xor_nets(units, seeds=40, steps=2000) for units in (1, 2, 8)}


def test_one_unit_never_learns_xor_and_more_units_learn_it_more_often(xor_nets):
    shares = [xor_nets[units].exact.mean() for units in (1, 2, 8)]
    assert shares[0] == 0
    assert 0 < shares[1] < shares[2]


def test_the_catalogue_net_of_each_seed_has_the_same_outputs(xor_nets):
    for seed in (0, 7):
        net = xor_nets[2].net(seed)
        assert net.count_params() == 9
        outputs = np.asarray(net(POINTS))[:, 0]
        np.testing.assert_allclose(outputs, xor_nets[2].outputs[seed], atol=1e-5)
        exact = np.abs(outputs - XOR).max() < 0.01
        assert xor_nets[2].exact[seed] == exact


def test_the_net_of_a_seed_does_not_depend_on_the_number_of_seeds(xor_nets):
    alone = train_xor_nets(2, seeds=3, steps=2000)
    np.testing.assert_allclose(alone.outputs, xor_nets[2].outputs[:3], atol=1e-4)


def test_the_xor_figure_shows_shares_and_boundaries(xor_nets):
    net = build("xor", by_hand=True, classes=1)
    shares = {units: float(nets.exact.mean()) for units, nets in xor_nets.items()}
    figure = xor_figure({"by hand": lambda x: np.asarray(net(x))[:, 0] > 0.5}, shares, 40)
    assert [bar.get_height() for bar in figure.axes[1].patches] == [
        100 * share for share in shares.values()
    ]
    background = np.asarray(figure.axes[0].images[0].get_array())
    assert not background[0, 0]
    assert background[-1, 0]
    assert background[0, -1]


def test_values_below_one_are_refused():
    with pytest.raises(ValueError, match="must be 1 or more"):
        train_xor_nets(0)
