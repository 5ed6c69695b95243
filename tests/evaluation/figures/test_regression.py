"""kerasnets.evaluation.figures.regression, read back from what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from kerasnets.evaluation.figures import prediction_figure, residual_figure
from tests.evaluation.figures.helpers import HEADER, assert_all_text_inside, assert_headers

RNG = np.random.default_rng(0)
Y = RNG.gamma(3, 10, 300)
PREDICTED = 0.8 * Y + RNG.normal(0, 6, 300) + 3


def points_of(axes):
    (points,) = axes.collections
    return points.get_offsets()


def test_predictions_are_drawn_against_true_values():
    figure = prediction_figure(Y, PREDICTED[:, None], ["stay"], "days", **HEADER)
    (axes,) = figure.axes
    np.testing.assert_allclose(points_of(axes), np.stack([Y, PREDICTED], axis=1))
    low, high = axes.get_xlim()
    assert axes.get_ylim() == (low, high)
    assert low < min(Y.min(), PREDICTED.min())
    assert high > max(Y.max(), PREDICTED.max())
    assert axes.lines[0].get_xydata().tolist() == [[low, low], [high, high]]  # y = x
    assert axes.get_xlabel() == "True stay (days)"
    r2, mae = r2_score(Y, PREDICTED), mean_absolute_error(Y, PREDICTED)
    assert axes.get_title("left") == f"R² {r2:.3f}, MAE {mae:.2f}"
    assert_all_text_inside(figure)
    assert_headers(figure)


def test_residuals_are_drawn_against_predictions():
    figure = residual_figure(Y, PREDICTED, ["stay"], **HEADER)
    (axes,) = figure.axes
    np.testing.assert_allclose(points_of(axes), np.stack([PREDICTED, PREDICTED - Y], axis=1))
    low, high = np.quantile(PREDICTED - Y, [0.05, 0.95])
    assert [line.get_ydata()[0] for line in axes.lines] == pytest.approx([0, low, high])
    assert axes.get_title("left") == f"90 % between −{-low:.1f} and {high:.2f}"
    (histogram,) = axes.child_axes
    assert sum(bar.get_width() for bar in histogram.patches) == len(Y)
    assert_all_text_inside(figure)
    assert_headers(figure)


@pytest.mark.parametrize("draw", [prediction_figure, residual_figure])
@pytest.mark.parametrize(("targets", "panels"), [(2, 2), (10, 9)])
def test_each_target_has_a_panel_up_to_nine(draw, targets, panels):
    y = RNG.normal(size=(20, targets)) * np.logspace(-4, 6, targets)
    figure = draw(y, y * 1.1, [f"target number {n}" for n in range(targets)], "mmol/l", **HEADER)
    used = [axes for axes in figure.axes if axes.axison]
    assert len(used) == panels
    assert used[-1].get_xlabel().endswith(f"target number {panels - 1} (mmol/l)")
    assert_all_text_inside(figure)


@pytest.mark.parametrize("draw", [prediction_figure, residual_figure])
def test_one_row_is_drawn(draw):
    draw(np.array([2.0]), np.array([2.0]), ["target"]).draw_without_rendering()


def test_r2_of_a_constant_target_is_undefined():
    (axes,) = prediction_figure(np.ones(3), np.array([1.0, 2.0, 3.0]), ["target"]).axes
    assert axes.get_title("left") == "R² undefined, MAE 1.00"
