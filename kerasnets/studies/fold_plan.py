"""The jobs of a cross-validation: one per fold and seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasnets.data import Dataset, list_datasets
from kerasnets.data.catalogue import data_spec
from kerasnets.data.options import whole_number
from kerasnets.nets import describe
from kerasnets.nets.catalogue import own_spec
from kerasnets.studies.fold_jobs import FoldJob
from kerasnets.training import make_recipe

_DEFAULT_FOLDS = 5


def plan_jobs(
    net: str,
    data: str | Path | Dataset | Sequence[Dataset] | None,
    folds: int | None,
    seeds: int | Sequence[int],
    folder: Path,
    data_dir: str | Path | None,
    settings: dict[str, Any],
) -> list[FoldJob]:
    """Plan the trainings of a cross-validation: for each fold, all seeds.

    Args:
        net: name of a net in the catalogue.
        data: as for :func:`kerasnets.cross_validate`.
        folds: as for :func:`kerasnets.cross_validate`.
        seeds: as for :func:`kerasnets.cross_validate`.
        folder: folder of the results.
        data_dir: where to look for the files of the data set.
        settings: the requested fields of the recipe.

    Raises:
        ValueError: if an argument is not valid, or the data set has no folds.
    """
    settings = {"threads": describe(net).recipe.get("threads", 1), **settings}
    if isinstance(data, Dataset) or (data is not None and not isinstance(data, str | Path)):
        sets: list[Dataset | None] = list(_check_sets(data, folds))
        folds = len(sets) if len(sets) > 1 else 0
        options: list[dict[str, Any]] = [{} for _ in sets]
    else:
        if data is not None:
            path = Path(data).expanduser()
            settings["data"] = str(path.resolve() if path.is_file() else data)
        folds = _DEFAULT_FOLDS if folds is None else folds
        options = _fold_options(net, folds, settings)
        sets = [None] * len(options)
    numbers = _check_seeds(seeds, settings.pop("seed", 0))
    make_recipe(net, **{**settings, **options[0]})
    jobs = []
    for index, (own, extra) in enumerate(zip(sets, options, strict=True)):
        for seed in numbers:
            name = f"fold-{index + 1}-seed-{seed}" if folds else f"seed-{seed}"
            jobs.append(
                FoldJob(
                    fold=index + 1 if folds else None,
                    seed=seed,
                    folder=folder.resolve() / name,
                    net=net,
                    settings={**settings, **extra, "seed": seed},
                    data=own,
                    data_dir=None if data_dir is None else Path(data_dir).resolve(),
                    checksum="",
                    spec=own_spec(net),
                )
            )
    return jobs


def _check_sets(data: Dataset | Sequence[Dataset], folds: int | None) -> list[Dataset]:
    """The data sets of the folds, or the single one.

    Raises:
        ValueError: if there are not as many as folds, or they hold different data.
    """
    if isinstance(data, Dataset):
        if folds:
            raise ValueError(
                f"A single Dataset is a single split, but folds={folds}. Pass a list with one "
                "Dataset per fold: [kn.Dataset.from_arrays(x, y, groups, folds=5, fold=k) for k in "
                "range(5)]; or folds=0 to repeat the training with several seeds."
            )
        return [data]
    sets = list(data)
    if len(sets) < 2 or not all(isinstance(entry, Dataset) for entry in sets):
        raise ValueError(
            "data must be a name, a path, a Dataset, or a list with one Dataset for each of two or "
            f"more folds; got {data!r}."
        )
    if folds not in (None, len(sets)):
        raise ValueError(f"data has {len(sets)} data sets, but folds={folds}.")
    if len({entry.checksum for entry in sets}) > 1:
        raise ValueError("The data sets of the folds must hold the same data in other splits.")
    tested: set[Any] = set()
    for entry in sets:
        groups = set() if entry.test.groups is None else set(entry.test.groups.tolist())
        if both := sorted(tested & groups):
            raise ValueError(
                f"Group {both[0]!r} is in the test split of two folds. Pass folds= and fold= to "
                "kn.Dataset.from_arrays, which tests each group in one fold."
            )
        tested |= groups
    return sets


def _fold_options(net: str, folds: int, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings of each fold that differ from those of the others."""
    if whole_number("folds", folds) != 0 and folds < 2:
        raise ValueError(f"folds must be 0 for a single split, or 2 or more, got {folds}.")
    if not folds:
        return [{}]
    options = dict(settings.get("data_options", {}))
    if {"folds", "fold"} & options.keys():
        raise ValueError("The options folds and fold are set by the cross-validation; remove them.")
    name = settings.get("data") or describe(net).data
    if "folds" not in data_spec(name).options:
        known = [other for other in list_datasets() if "folds" in data_spec(other).options]
        raise ValueError(
            f"The data set {name!r} has a fixed test split, so it has no folds. Repeat the "
            "training with several seeds instead: folds=0 and seeds=5. Data sets with folds: "
            f"{', '.join(known)}, and your own files."
        )
    return [{"data_options": {**options, "folds": folds, "fold": fold}} for fold in range(folds)]


def _check_seeds(seeds: int | Sequence[int], first: int) -> list[int]:
    """The seeds of the trainings.

    Raises:
        ValueError: if there is none, or one of them is repeated or not a whole number from 0.
    """
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        whole_number("seeds", seeds, 1)
        return list(range(first, first + seeds))
    if isinstance(seeds, bool | str):
        raise ValueError(f"seeds must be a number of seeds, or a list of them, got {seeds!r}.")
    numbers = [whole_number("a seed", seed, 0, 2**31 - 1) for seed in seeds]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"seeds must be one or more different seeds, got {numbers}.")
    return numbers
