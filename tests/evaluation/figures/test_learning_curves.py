"""kerasnets.evaluation.figures.learning_curves, read back from what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.evaluation.figures import learning_curves, save_figure
from tests.evaluation.figures.helpers import (
    HEADER,
    assert_all_text_inside,
    assert_headers,
    lines_of,
    texts_of,
)


def make_history(epochs):
    decay = np.exp(-np.arange(epochs) / 5)
    return {
        "loss": list(0.2 + decay),
        "val_loss": list(0.4 + decay),
        "accuracy": list(0.9 - 0.7 * decay),
        "val_accuracy": list(0.8 - 0.6 * decay),
        "learning_rate": [1e-3] * epochs,
    }


@pytest.mark.parametrize("epochs", [1, 20, 200])
def test_learning_curves_draw_the_history_from_epoch_one(epochs):
    history = make_history(epochs)
    figure = learning_curves(history, best_epoch=epochs)
    for axes, key in zip(figure.axes, ("loss", "accuracy"), strict=True):
        for label, drawn in (("training", key), ("validation", f"val_{key}")):
            x, y = lines_of(axes)[label].get_data()
            np.testing.assert_array_equal(x, range(1, epochs + 1))
            np.testing.assert_array_equal(y, history[drawn])
        low, high = axes.get_xlim()
        assert 0 < low < 1 <= epochs < high
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == round(tick) for tick in ticks)


def test_a_single_epoch_is_drawn_with_markers():
    (axes, _) = learning_curves(make_history(1)).axes
    assert lines_of(axes)["training"].get_marker() == "o"


@pytest.mark.parametrize("best", [1, 7, 20])
def test_the_best_epoch_is_marked_with_its_validation_values(best):
    history = make_history(20)
    figure = learning_curves(history, best)
    for axes, key in zip(figure.axes, ("val_loss", "val_accuracy"), strict=True):
        value = history[key][best - 1]
        assert [line for line in axes.lines if list(line.get_xdata()) == [best, best]]
        assert [line for line in axes.lines if line.get_xydata().tolist() == [[best, value]]]
        assert f"best epoch {best}: {value:.3f}" in [text.get_text() for text in axes.texts]


def test_without_a_best_epoch_none_is_marked():
    assert not [text for text in texts_of(learning_curves(make_history(5))) if "best" in text]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_left_out_and_marked(bad):
    history = make_history(12)
    history["val_loss"][6:] = [bad] * 6
    figure = learning_curves(history, best_epoch=6)
    shown = lines_of(figure.axes[0])["validation"].get_ydata()
    np.testing.assert_array_equal(np.isfinite(shown), np.arange(12) < 6)
    assert "not finite\nfrom epoch 7" in texts_of(figure)
    assert figure.axes[0].get_xlim()[1] > 12


def test_a_history_of_only_nan_is_drawn(tmp_path):
    history = {key: [np.nan] * 3 for key in make_history(1)}
    figure = learning_curves(history, best_epoch=2)
    assert {"not finite\nfrom epoch 1", "best epoch 2"} <= set(texts_of(figure))
    assert not figure.axes[0].get_yticks().size
    save_figure(figure, tmp_path / "curves")


@pytest.mark.parametrize(
    ("change", "best", "message"),
    [
        ({"loss": None}, None, r"has no 'loss'; it has \['val_loss'"),
        ({"loss": [1.0]}, None, "one value per epoch"),
        (dict.fromkeys(make_history(1), ()), None, "at least one epoch"),
        ({}, 0, "best_epoch must be in 1…5, got 0"),
        ({}, 6, "best_epoch must be in 1…5, got 6"),
    ],
)
def test_a_bad_history_is_refused(change, best, message):
    history = {k: v for k, v in {**make_history(5), **change}.items() if v is not None}
    with pytest.raises(ValueError, match=message):
        learning_curves(history, best)


def panels_of(figure):
    """Labels of the y axes of the panels in use."""
    return [axes.get_ylabel() for axes in figure.axes if axes.axison]


def test_each_metric_has_a_panel_with_the_loss_first():
    history = {
        "mae": [30.0, 20.0],
        "val_pearson_r": [0.1, 0.2],  # computed on validation data only
        "loss": [2e4, 1e4],
        "val_loss": [3e4, 2e4],
        "learning_rate": [0.1, 0.1],
        "log_loss": [1.0, 1.0],
        "val_log_loss": [1.0, 1.0],
    }
    figure = learning_curves(history, 2, labels={"loss": "Loss (mean squared error)"}, **HEADER)
    assert panels_of(figure) == ["Loss (mean squared error)", "Mean absolute error", "Pearson r"]
    loss, mae, pearson = figure.axes[:3]
    assert {"training", "validation"} <= set(lines_of(loss))
    assert "validation" not in lines_of(mae)
    assert "training" not in lines_of(pearson)
    assert [axes.texts[0].get_text() for axes in (loss, mae, pearson)] == [
        "best epoch 2: 20,000",
        "best epoch 2: 20.0",
        "best epoch 2: 0.200",
    ]
    assert_all_text_inside(figure)
    assert_headers(figure)


def test_a_loss_alone_has_one_panel():
    figure = learning_curves({"loss": [2.0, 1.0, 0.5]}, best_epoch=3)
    assert panels_of(figure) == ["Loss"]
    assert figure.axes[0].texts[0].get_text() == "best epoch 3: 0.500"


def test_only_the_panel_of_a_metric_that_is_not_finite_is_marked():
    history = make_history(3) | {"r2": [np.nan, 0.5, 0.6]}
    marked = [
        [text.get_text() for text in axes.texts]
        for axes in learning_curves(history).axes
        if axes.axison
    ]
    assert marked == [[], [], ["not finite\nfrom epoch 1"]]


def test_metrics_up_to_1_leave_no_room_above_1():
    for axes in learning_curves(make_history(20)).axes[1:]:
        assert axes.get_ylim()[1] <= 1.01
