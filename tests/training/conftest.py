"""Figures take most of the time of a small training, so only some modules draw them."""

from __future__ import annotations

import pytest


def _draw_nothing(*arguments):
    """Take the place of a function that draws."""


@pytest.fixture(scope="module", autouse=True)
def no_needless_figures(request):
    """Draw no figures in modules without ``NEEDS_FIGURES = True``."""
    with pytest.MonkeyPatch.context() as patch:
        if not getattr(request.module, "NEEDS_FIGURES", False):
            patch.setattr("kerasnets.training.report.draw_figures", _draw_nothing)
            patch.setattr("kerasnets.training.session.draw_learning_curves", _draw_nothing)
        yield
