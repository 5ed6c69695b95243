"""kerasnets.evaluation.figures.confusion_matrix, read back from what is drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from kerasnets.evaluation.figures.confusion_matrix import _readable_on, confusion_matrix_figure
from tests.evaluation.figures.helpers import HEADER, assert_headers, assert_inside


def cells_of(figure):
    """The texts in each cell, by (row, column)."""
    cells = {}
    for text in figure.axes[0].texts:
        column, row = text.xy
        cells.setdefault((row, column), []).append(text.get_text())
    return cells


def test_every_cell_has_count_and_share_of_its_row():
    matrix = [[30, 10, 0], [1, 1_998, 1], [0, 0, 0]]
    figure = confusion_matrix_figure(matrix, ("a", "b", "c"))
    assert cells_of(figure) == {
        (0, 0): ["30", "75.0 %"],
        (0, 1): ["10", "25.0 %"],
        (0, 2): ["0", "0.0 %"],
        (1, 0): ["1", "0.1 %"],  # 1 / 2,000 = 0.05 %
        (1, 1): ["1,998", "99.9 %"],
        (1, 2): ["1", "0.1 %"],
        **{(2, column): ["0", "–"] for column in range(3)},  # no example of c, so no share
    }
    drawn = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(drawn, [[0.75, 0.25, 0], [0.0005, 0.999, 0.0005], [0, 0, 0]])


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_names_stay_inside_the_figure_and_apart(classes):
    names = [f"a rather long name {label}" for label in range(classes)]
    figure = confusion_matrix_figure(np.eye(classes, dtype=int) * 12_345, names, "Title")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    rows = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(rows))
    if classes <= 5:  # more are rotated, whose boxes overlap although the text does not
        columns = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(columns))
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, *figure.texts):
        assert_inside(figure, text)


def test_rotated_names_stay_inside_the_figure():
    """Names without spaces cannot be wrapped; these are the widest letters."""
    names = [letter * 39 for letter in "WMQOG"]
    figure = confusion_matrix_figure(np.eye(5, dtype=int), names)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label):
        assert_inside(figure, text)


def test_cell_text_has_the_contrast_that_wcag_requires():
    """WCAG requires 4.5 to 1 for text of this size; checked on every shade of grey."""
    for level in np.linspace(0, 1, 101):
        linear = level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4
        text = {"black": 0.0, "white": 1.0}[_readable_on((level, level, level, 1.0))]
        lighter, darker = max(linear, text), min(linear, text)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1]], [[1, -1], [0, 1]]])
def test_a_bad_matrix_is_refused(matrix):
    with pytest.raises(ValueError, match=r"shape \(2, 2\) and no negative counts"):
        confusion_matrix_figure(matrix, ("a", "b"))


def test_title_and_subtitle_are_drawn():
    assert_headers(confusion_matrix_figure(np.eye(5, dtype=int), "abcde", **HEADER))
