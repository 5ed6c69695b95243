"""Small nets in the plane: dead units, zero weights, negatives first, and XOR learned."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.data import load_data
from kerasnets.nets import build
from kerasnets.studies.plane_figures import lessons_figure, xor_figure
from kerasnets.studies.planes import dead_units, learn
from kerasnets.studies.xor import POINTS, XOR, learn_xor


@pytest.fixture(scope="module")
def gaussians():
    return load_data("gaussians-simulated", points=200)


@pytest.fixture(scope="module")
def lesson(gaussians):
    return learn(gaussians, epochs=15, units=(6,), seed=3)


def test_dead_units_are_those_that_no_point_wakes():
    point = keras.Input((2,))
    hidden = keras.layers.Dense(3, activation="relu")
    net = keras.Model(point, keras.layers.Dense(2)(hidden(point)))
    # x1 itself; never above 0; above 0 for one of the points only.
    hidden.set_weights([np.array([[1, -1, 1], [0, -1, 0]]), np.array([0, 0, -2.5])])
    assert dead_units(net, np.array([[1.0, 2.0], [2.0, 1.0]], "float32")) == 2
    assert dead_units(net, np.array([[1.0, 2.0], [3.0, 1.0]], "float32")) == 1
    assert dead_units(net, np.array([[-1.0, -1.0]], "float32")) == 2


def test_a_net_learns_two_clouds_and_the_same_seed_gives_the_same_curve(gaussians, lesson):
    assert lesson.accuracy >= 0.95
    assert len(lesson.losses) == 15
    assert lesson.losses[-1] < 0.2 * lesson.losses[0]
    assert 1 < lesson.flat_from <= 15
    assert lesson.units == 6
    assert learn(gaussians, epochs=15, units=(6,), seed=3).losses == lesson.losses
    assert lesson.dead_before is lesson.recall_before is None


def test_relu_from_zeros_is_dead_for_ever_and_sigmoid_units_stay_alike(gaussians):
    relu = learn(gaussians, start="zeros", epochs=5, units=(4, 4))
    assert relu.dead_at_start == relu.dead == relu.units == 8
    assert relu.accuracy == 0.5
    sigmoid = learn(gaussians, activation="sigmoid", start="zeros", epochs=5, units=(4, 4))
    assert sigmoid.dead == 0
    assert sigmoid.different_units == [1, 1]


def test_after_negatives_alone_everything_is_negative(gaussians):
    first = learn(gaussians, negatives_first=20, epochs=10, units=(6,), seed=3)
    assert first.recall_before == 0
    assert len(first.losses) == 20 + 10
    assert first.losses[19] < 0.1 < first.losses[20]
    assert first.accuracy > 0.9


def test_wrong_lessons_are_refused(gaussians):
    with pytest.raises(ValueError, match="'random' or 'zeros'"):
        learn(gaussians, start="ones")
    with pytest.raises(ValueError, match="a step takes 10"):
        learn(load_data("xor-simulated", points=12), negatives_first=1)


def test_a_figure_has_a_panel_a_lesson_and_one_of_losses(lesson):
    figure = lessons_figure([lesson] * 3, "Title", columns=2)
    panels = [axes for part in figure.subfigs for axes in part.axes]
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles[0].endswith(f"{100 * lesson.accuracy:.0f} % right, {lesson.dead} of 6 dead")
    assert len(panels) == 4 + 1
    assert not panels[3].axison
    assert len(panels[4].lines) == 3
    np.testing.assert_allclose(panels[4].lines[0].get_ydata(), lesson.losses)


@pytest.fixture(scope="module")
def learned():
    return {units: learn_xor(units, seeds=40, steps=2000) for units in (1, 2, 8)}


def test_one_unit_never_learns_xor_and_more_units_learn_it_more_often(learned):
    shares = [learned[units].exact.mean() for units in (1, 2, 8)]
    assert shares[0] == 0
    assert 0 < shares[1] < shares[2]


def test_each_seed_is_a_net_of_the_catalogue(learned):
    for seed in (0, 7):
        net = learned[2].net(seed)
        assert net.count_params() == 9
        outputs = np.asarray(net(POINTS))[:, 0]
        np.testing.assert_allclose(outputs, learned[2].outputs[seed], atol=1e-5)
        exact = np.abs(outputs - XOR).max() < 0.01
        assert learned[2].exact[seed] == exact


def test_a_seed_does_not_depend_on_how_many_there_are(learned):
    alone = learn_xor(2, seeds=3, steps=2000)
    np.testing.assert_allclose(alone.outputs, learned[2].outputs[:3], atol=1e-4)


def test_the_figure_of_xor(learned):
    net = build("xor", by_hand=True, classes=1)
    shares = {units: float(nets.exact.mean()) for units, nets in learned.items()}
    figure = xor_figure({"by hand": lambda x: np.asarray(net(x))[:, 0] > 0.5}, shares, 40)
    assert [bar.get_height() for bar in figure.axes[1].patches] == [
        100 * share for share in shares.values()
    ]
    ground = np.asarray(figure.axes[0].images[0].get_array())
    assert not ground[0, 0]
    assert ground[-1, 0]
    assert ground[0, -1]


def test_numbers_below_one_are_refused():
    with pytest.raises(ValueError, match="must be 1 or more"):
        learn_xor(0)
