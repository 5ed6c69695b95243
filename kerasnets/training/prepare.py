"""Build and compile the model of a run."""

from __future__ import annotations

from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.engine import fallback
from kerasnets.engine.seeding import SEEDING
from kerasnets.evaluation.tasks import Task
from kerasnets.nets import build
from kerasnets.training.checks import check_model, copy_model
from kerasnets.training.plan import Plan, compile_model
from kerasnets.training.recipe import Recipe
from kerasnets.training.rescaling import with_rescaling
from kerasnets.training.settings import check_settings


def prepare_model(
    recipe: Recipe, data: Dataset, net: str | keras.Model
) -> tuple[keras.Model, Task]:
    """Build and compile the model of a run, after checking that it fits the data.

    Args:
        recipe: how to train.
        data: what to train on.
        net: a name of the catalogue, or a model, which is copied.

    Raises:
        ValueError: if a setting is wrong, or the net cannot take the data.
    """
    with SEEDING:
        keras.utils.set_random_seed(recipe.seed)
        own = build(recipe.net, **recipe.net_arguments) if isinstance(net, str) else copy_model(net)
        task = check_model(own, data, recipe.task)
        fallback.check_model(own)
        check_settings(recipe, task, data)
        model = with_rescaling(own, data, recipe, task)
        compile_model(model, Plan(recipe, data), task)
    return model, task
