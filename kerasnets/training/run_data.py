"""Load the data set of a run."""

from __future__ import annotations

from pathlib import Path

from kerasnets._lazy import import_tensorflow
from kerasnets._worker import preload, submit
from kerasnets.data import Dataset, list_datasets, load_data
from kerasnets.training.recipe import Recipe
from kerasnets.training.report import IMPORTS
from kerasnets.training.run_folder import describe_data
from kerasnets.training.stored import read_environment, read_run_recipe


def load_run_data(
    folder: str | Path, data: Dataset | None = None, data_dir: str | Path | None = None
) -> Dataset:
    """Return the data set of a run: the same data in the same split.

    Args:
        folder: the run folder.
        data: the data set, if ``load_data`` cannot load it.
        data_dir: where to look for the files of the data set.

    Raises:
        FileNotFoundError: if its files do not exist; the message says how to get them.
        ValueError: if the data or the split are not those of the run, or if the data set has
            neither a name nor a file.
    """
    folder = Path(folder)
    if data is None:
        recipe = read_run_recipe(folder)
        if recipe.data not in list_datasets() and not Path(recipe.data).suffix:
            raise ValueError(
                f"The run in {folder} was trained on {recipe.data!r}, which is neither a data set "
                "of the catalogue nor a file. Pass the data set as data=."
            )
        data = load_recipe_data(recipe, data_dir)
    began = read_environment(folder)["data"]
    now = describe_data(data)
    for what in ("checksum", "split", "split_seed", "rows"):
        if now[what] != began[what]:
            raise ValueError(
                f"The run in {folder} was trained on data with {what} {began[what]}, but these "
                f"have {what} {now[what]}. Pass the same data in the same split."
            )
    return data


def load_recipe_data(recipe: Recipe, data_dir: str | Path | None = None) -> Dataset:
    """Load the data set that a recipe names, in the split of the recipe.

    Raises:
        FileNotFoundError: if its files do not exist; the message says how to get them.
    """
    loading = submit(_load_data, recipe, data_dir)
    preload(IMPORTS)  # for the end of the training
    if not loading.done():
        import_tensorflow()  # while the worker loads the data
    return loading.result()


def _load_data(recipe: Recipe, data_dir: str | Path | None) -> Dataset:
    return load_data(
        recipe.data,
        data_dir=data_dir,
        split=recipe.split or None,
        seed=recipe.split_seed,
        **recipe.data_options,
    )
