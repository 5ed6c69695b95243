"""Figures of two classes, read back from what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.evaluation.binary import auroc, average_precision
from kerasnets.evaluation.figures.binary import (
    precision_recall_figure,
    reliability_figure,
    soft_hard_figure,
)
from tests.evaluation.figures.helpers import (
    HEADER,
    assert_all_text_inside,
    assert_headers,
    texts_in,
)

RNG = np.random.default_rng(0)
Y = (RNG.random(400) < 0.15).astype(int)
SCORES = 1 / (1 + np.exp(2.5 - 1.3 * Y - RNG.normal(size=400)))
ONES = np.ones(400)


def test_precision_recall_marks_threshold_and_prevalence():
    (axes,) = precision_recall_figure(Y, SCORES, 0.3, title="t").axes
    area = average_precision(Y, SCORES, ONES)
    assert f"average precision {area:.3f}" in texts_in(axes)
    assert f"prevalence {Y.mean():.3f}" in texts_in(axes)
    marked = axes.lines[-1]
    positive = SCORES >= 0.3
    assert marked.get_xdata()[0] == pytest.approx(positive[Y == 1].mean())
    assert marked.get_ydata()[0] == pytest.approx(Y[positive].mean())


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_curve_and_no_error(label):
    (axes,) = precision_recall_figure(np.full(5, label), np.linspace(0.1, 0.9, 5)).axes
    assert texts_in(axes) == [f"prevalence {label:.3f}"]
    reliability_figure(np.full(5, label), np.linspace(0.1, 0.9, 5), ("alive", "died"))


def test_reliability_points_are_means_of_equal_bins():
    top, below = reliability_figure(Y, SCORES, ("alive", "died")).axes
    points = top.containers[0].lines[0].get_xydata()
    order = np.argsort(SCORES, kind="stable").reshape(10, 40)
    np.testing.assert_allclose(points[:, 0], SCORES[order].mean(axis=1))
    np.testing.assert_allclose(points[:, 1], Y[order].mean(axis=1))
    assert texts_in(below) == ["alive", "died"]
    assert top.get_ylabel() == "Share of 'died'"


def test_roc_of_probabilities_and_of_predicted_labels():
    (axes,) = soft_hard_figure(Y, SCORES, 0.5).axes
    soft, hard = (auroc(Y, s, ONES) for s in (SCORES, (SCORES >= 0.5).astype(float)))
    assert texts_in(axes) == [
        f"probabilities: AUROC {soft:.3f}",
        f"labels at threshold 0.5: AUROC {hard:.3f}",
    ]
    assert soft > hard


def test_no_text_is_cut_off():
    for figure in (
        precision_recall_figure(Y, SCORES, 0.01, **HEADER),  # its label is at the right edge
        reliability_figure(Y, SCORES, ("discharged alive", "died in hospital"), **HEADER),
        soft_hard_figure(Y, SCORES, **HEADER),
    ):
        assert_all_text_inside(figure)
        assert_headers(figure)
