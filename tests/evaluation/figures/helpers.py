"""Helpers for tests of figures: read a figure, and check that all text is visible."""

from __future__ import annotations

import matplotlib as mpl

HEADER = {"title": "my-net: a figure", "subtitle": "simulated data, test split"}


def lines_of(axes):
    """Return the lines by label."""
    return {line.get_label(): line for line in axes.lines}


def texts_of(figure):
    """Return all texts that are drawn."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def texts_in(axes):
    """Return the texts of the legend and of annotations."""
    legend = axes.get_legend()
    return [text.get_text() for text in [*(legend.get_texts() if legend else []), *axes.texts]]


def assert_inside(figure, artist):
    """Assert that an artist is not cut off at the edge of the figure."""
    box = artist.get_window_extent()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1


def assert_all_text_inside(figure):
    """Assert that no title, axis label, panel title or legend is cut off."""
    figure.draw_without_rendering()
    for text in figure.texts:
        assert_inside(figure, text)
    for axes in figure.axes:
        for artist in (axes.xaxis.label, axes.yaxis.label, axes._left_title, axes.get_legend()):
            if artist is not None and axes.axison:
                assert_inside(figure, artist)


def assert_headers(figure):
    """Assert that the figure shows title and subtitle of ``HEADER``."""
    texts = " ".join(text.get_text() for text in figure.texts)
    assert texts == f"{HEADER['title']} {HEADER['subtitle']}"
