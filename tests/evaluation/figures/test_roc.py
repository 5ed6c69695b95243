"""kerasnets.evaluation.figures.roc, read back from what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.evaluation.figures import label_roc_curves, roc_curves
from tests.evaluation.figures.helpers import (
    HEADER,
    assert_all_text_inside,
    assert_headers,
    assert_inside,
    lines_of,
)


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_roc_curves_enclose_the_area_they_state(classes):
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 500)
    logits = rng.normal(size=(500, classes)) + np.eye(classes)[y]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [f"class {label}" for label in range(classes)]
    (axes,) = roc_curves(y, p, names).axes
    lines = lines_of(axes)
    for name in names:
        (label,) = [label for label in lines if label.endswith(f"  {name}")]
        x, curve = lines[label].get_data()
        assert f"{np.trapezoid(curve, x):.3f}" == label.split()[0]
    styles = {(lines[k].get_color(), lines[k].get_linestyle()) for k in lines if "  class" in k}
    assert len(styles) == classes
    assert axes.get_aspect() == 1
    assert lines["_child0"].get_xydata().tolist() == [[0, 0], [1, 1]]


def test_the_legend_of_roc_curves_stays_inside_and_beside():
    names = ["short", "W" * 40, "M" * 41]
    p = np.full((9, 3), 0.25) + 0.25 * np.eye(3)[np.arange(9) % 3]
    figure = roc_curves(np.arange(9) // 3, p, names)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = axes.get_legend()
    for artist in (legend, axes.xaxis.label, axes.yaxis.label):
        assert_inside(figure, artist)
    assert legend.get_window_extent().x0 > axes.get_window_extent().x1
    shown = [text.get_text().split("  ")[1] for text in legend.get_texts()]
    assert shown == ["short", "W" * 40, "M" * 39 + "…"]


def test_a_class_without_examples_has_no_curve():
    p = np.array([[0.6, 0.3, 0.1], [0.4, 0.5, 0.1], [0.2, 0.7, 0.1]])
    (axes,) = roc_curves(np.array([0, 0, 1]), p, ("a", "b", "c")).axes
    assert len(lines_of(axes)["undefined  c"].get_xdata()) == 0
    assert axes.get_legend().get_title().get_text() == "AUROC, class against rest\nmean 1.000"


def test_each_label_has_its_curve():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, (200, 4))
    y[:, 3] = 1
    p = rng.random((200, 4)) * 0.5 + 0.4 * y
    names = ["a", "b", "c", "always"]
    figure = label_roc_curves(y, p, names, **HEADER)
    lines = lines_of(figure.axes[0])
    areas = []
    for number, name in enumerate(names[:3]):
        (label,) = [label for label in lines if label.endswith(f"  {name}")]
        x, curve = lines[label].get_data()
        positive, negative = p[y[:, number] == 1, number], p[y[:, number] == 0, number]
        areas.append((positive[:, None] > negative).mean())
        assert np.trapezoid(curve, x) == pytest.approx(areas[-1])
        assert label.split()[0] == f"{areas[-1]:.3f}"
    assert len(lines["undefined  always"].get_xdata()) == 0
    title = figure.axes[0].get_legend().get_title().get_text()
    assert title == f"AUROC by label\nmean {np.mean(areas):.3f}"
    assert_all_text_inside(figure)
    assert_headers(figure)


def test_labels_without_any_curve_are_drawn():
    (axes,) = label_roc_curves(np.zeros((3, 2)), np.full((3, 2), 0.5), ["a", "b"]).axes
    assert axes.get_legend().get_title().get_text() == "AUROC by label"
