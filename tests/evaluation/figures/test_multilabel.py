"""kerasnets.evaluation.figures.multilabel, read back from what is drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from kerasnets.evaluation.figures import label_figure
from tests.evaluation.figures.helpers import (
    HEADER,
    assert_all_text_inside,
    assert_headers,
    lines_of,
)


def draw(labels, n=300):
    rng = np.random.default_rng(0)
    y = (rng.random((n, labels)) < np.linspace(0.1, 0.6, labels)).astype(int)
    return y, rng.random((n, labels)) * 0.6 + y * np.linspace(0, 0.4, labels)[::-1]


def test_scores_of_each_label_sorted_by_auroc():
    y, p = draw(4)
    figure = label_figure(y, p, ["a", "b", "c", "d"], **HEADER)
    (axes,) = figure.axes
    shown = [label.get_text() for label in axes.get_yticklabels()]
    lines = lines_of(axes)
    assert lines["AUROC"].get_xdata().tolist() == sorted(lines["AUROC"].get_xdata())
    for row, name in enumerate(shown):
        label = "abcd".index(name)
        assert lines["AUROC"].get_xdata()[row] == pytest.approx(
            roc_auc_score(y[:, label], p[:, label])
        )
        assert lines["average precision"].get_xdata()[row] == pytest.approx(
            average_precision_score(y[:, label], p[:, label])
        )
        assert lines["prevalence"].get_xdata()[row] == y[:, label].mean()
    assert_headers(figure)


def test_a_label_without_positives_is_at_the_bottom_without_scores():
    y, p = draw(3)
    y[:, 1] = 0
    (axes,) = label_figure(y, p, ["a", "never", "c"]).axes
    assert axes.get_yticklabels()[0].get_text() == "never"
    assert np.isnan(lines_of(axes)["AUROC"].get_xdata()).tolist() == [True, False, False]


@pytest.mark.parametrize("labels", [1, 40])
def test_names_stay_inside_the_figure_and_apart(labels):
    y, p = draw(labels)
    figure = label_figure(y, p, [f"{label} " + "W" * 50 for label in range(labels)], **HEADER)
    assert_all_text_inside(figure)
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(box.x0 >= 0 for box in boxes)
    assert all(upper.y0 >= lower.y1 for lower, upper in itertools.pairwise(boxes))
