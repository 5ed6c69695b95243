"""kerasnets.evaluation.figures.weights, read back from what is drawn."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.evaluation.figures import can_draw_weights, weight_matrices

FEATURES = tuple(f"column {number}" for number in range(11))
CLASSES = ("survived", "died")


@pytest.mark.parametrize(
    ("name", "shapes"), [("covid-1", [(11, 2)]), ("covid-2", [(11, 16), (16, 2)])]
)
def test_each_matrix_is_drawn_with_its_weights_and_names(name, shapes):
    model = kn.build(name)
    figure = weight_matrices(model, FEATURES, CLASSES, "Weights", "of a net")
    assert [np.shape(axes.images[0].get_array()) for axes in figure.axes] == shapes
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for axes, layer in zip(figure.axes, dense, strict=True):
        kernel = np.asarray(layer.kernel)
        np.testing.assert_array_equal(axes.images[0].get_array(), kernel)
        low, high = axes.images[0].get_clim()
        assert -low == high == pytest.approx(np.abs(kernel).max())  # 0 is white
        assert axes.texts[0].get_text() == f"{kernel[0, 0]:.2f}"
    first, last = figure.axes[0], figure.axes[-1]
    assert [label.get_text() for label in first.get_yticklabels()] == list(FEATURES)
    assert [label.get_text() for label in last.get_xticklabels()] == list(CLASSES)
    assert [text.get_text() for text in figure.texts] == ["Weights", "of a net"]


def test_weights_that_are_all_0_are_drawn():
    model = kn.build("covid-1")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert weight_matrices(model, FEATURES, CLASSES).axes[0].images[0].get_clim() == (-1, 1)


def test_wrong_names_and_models_without_dense_layers_are_refused():
    with pytest.raises(ValueError, match=r"10 features and 2 outputs do not match"):
        weight_matrices(kn.build("covid-1"), FEATURES[1:], CLASSES)
    inputs = keras.Input((11,))
    with pytest.raises(ValueError, match="do not match the dense layers"):
        weight_matrices(keras.Model(inputs, keras.layers.ReLU()(inputs)), FEATURES, CLASSES)


def test_only_small_stacks_of_dense_layers_can_be_drawn():
    assert can_draw_weights(kn.build("covid-1"))
    assert can_draw_weights(kn.build("covid-2", dropout=0.1))
    assert not can_draw_weights(kn.build("covid-2", units=[41]))
    assert not can_draw_weights(kn.build("covid-1", features=41))
    assert not can_draw_weights(kn.build("digit-mlp-1"))
    assert not can_draw_weights(kn.build("seizure-gru"))
