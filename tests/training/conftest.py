"""Figures take most of the time of a small training, so only some modules draw them."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_needless_figures(request):
    """Draw no figures in modules without ``NEEDS_FIGURES = True``."""
    if not getattr(request.module, "NEEDS_FIGURES", False):
        request.getfixturevalue("no_figures")
