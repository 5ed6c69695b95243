"""Training: recipe, trainer, callbacks, run folder.

The names are imported at their first use, because a recipe needs neither Keras nor scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerasnets._lazy import import_name

if TYPE_CHECKING:
    from kerasnets.training.recipe import Recipe as Recipe
    from kerasnets.training.recipe import make_recipe as make_recipe
    from kerasnets.training.recipe import read_recipe as read_recipe
    from kerasnets.training.run import Run as Run
    from kerasnets.training.run import load_run as load_run
    from kerasnets.training.trainer import resume as resume
    from kerasnets.training.trainer import train as train
    from kerasnets.training.workers import join_workers as join_workers

_MODULES = {
    "Recipe": "recipe",
    "make_recipe": "recipe",
    "read_recipe": "recipe",
    "Run": "run",
    "load_run": "run",
    "resume": "trainer",
    "train": "trainer",
    "join_workers": "workers",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    return import_name(__name__, name, _MODULES)


def __dir__() -> list[str]:
    return __all__
