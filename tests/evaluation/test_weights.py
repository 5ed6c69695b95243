from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.evaluation.weights import fits_a_picture, weight_matrices

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


def test_weights_of_nothing_but_0_are_drawn():
    model = kn.build("covid-1")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert weight_matrices(model, FEATURES, CLASSES).axes[0].images[0].get_clim() == (-1, 1)


def test_names_that_do_not_fit_and_models_without_dense_layers_are_refused():
    with pytest.raises(ValueError, match=r"10 features and 2 classes do not fit .* covid-1"):
        weight_matrices(kn.build("covid-1"), FEATURES[1:], CLASSES)
    inputs = keras.Input((11,))
    with pytest.raises(ValueError, match="do not fit the dense layers"):
        weight_matrices(keras.Model(inputs, keras.layers.ReLU()(inputs)), FEATURES, CLASSES)


def test_only_small_stacks_of_dense_layers_fit_a_picture():
    assert fits_a_picture(kn.build("covid-1"))
    assert fits_a_picture(kn.build("covid-2", dropout=0.1))
    assert not fits_a_picture(kn.build("covid-2", units=[41]))
    assert not fits_a_picture(kn.build("covid-1", features=41))
    assert not fits_a_picture(kn.build("digit-mlp-1"))
    assert not fits_a_picture(kn.build("seizure-gru"))


def test_a_run_on_a_table_leaves_a_picture_of_its_weights(tmp_path):
    data = kn.load_data("covid-simulated", rows=1_000)
    run = kn.train("covid-1", data=data, epochs=1, out=tmp_path / "run", progress=False)
    assert (run.folder / "figures" / "weights.png").is_file()
