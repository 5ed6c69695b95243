"""The catalogue of data sets: their names, who loads them, and how they may be split."""

from __future__ import annotations

import fnmatch
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kerasnets._errors import unknown_name
from kerasnets.data.dataset import Dataset

# The modules whose import fills the catalogue.
_MODULES = (
    "eeg.seizure",
    "eeg.simulate",
    "images.mnist",
    "tables.covid",
    "tables.rain",
    "tables.simulate",
    "tables.points",
    "ehr.eicu",
    "ehr.mimic3",
    "ehr.simulate",
)

# What load_data itself passes to every loader; the other arguments of a loader are its options.
_COMMON = ("data_dir", "split", "seed")

Loader = TypeVar("Loader", bound=Callable[..., Dataset])


@dataclass(frozen=True)
class DataSpec:
    """What the catalogue knows of a data set.

    Attributes:
        name: the name it is loaded by.
        loader: the function that loads it.
        splits: what it may be split by; the first is its default.
    """

    name: str
    loader: Callable[..., Dataset]
    splits: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The first line of the loader's docstring."""
        return (inspect.getdoc(self.loader) or "").partition("\n")[0]

    @property
    def options(self) -> dict[str, Any]:
        """The loader's own arguments with their defaults."""
        parameters = inspect.signature(self.loader).parameters
        return {name: p.default for name, p in parameters.items() if name not in _COMMON}


_SPECS: dict[str, DataSpec] = {}


def register(name: str, *, splits: tuple[str, ...]) -> Callable[[Loader], Loader]:
    """Enter the decorated loader into the catalogue.

    The loader takes ``data_dir``, ``split`` and ``seed`` by keyword, and options of its own.

    Args:
        name: the name to load it by; must be new. A simulated one ends in ``-simulated``.
        splits: what it may be split by; the first is its default.

    Raises:
        ValueError: if the name is taken.
    """

    def enter(loader: Loader) -> Loader:
        if name in _SPECS:
            raise ValueError(
                f"The data set {name!r} is already registered by "
                f"{_SPECS[name].loader.__qualname__}; give the new one another name."
            )
        _SPECS[name] = DataSpec(name, loader, splits)
        return loader

    return enter


@cache
def _load() -> None:
    for module in _MODULES:
        importlib.import_module(f"kerasnets.data.{module}")


def list_datasets(pattern: str = "*") -> list[str]:
    """The sorted names of the data sets that match a shell pattern, such as ``"seizure*"``."""
    _load()
    return sorted(fnmatch.filter(_SPECS, pattern))


def data_spec(name: str) -> DataSpec:
    """What the catalogue knows of a data set.

    Raises:
        ValueError: if there is no such data set; the message names the nearest ones.
    """
    _load()
    if name not in _SPECS:
        raise unknown_name("data set", name, _SPECS)
    return _SPECS[name]


def load_data(
    name: str,
    data_dir: str | Path | None = None,
    split: str | None = None,
    seed: int = 0,
    **options: Any,
) -> Dataset:
    """Load a data set by name, split into train, validation and test.

    Args:
        name: a name of :func:`list_datasets`. A real name never gives simulated data.
        data_dir: where its files are; else ``$KERASNETS_DATA``, else the user's cache.
        split: what stays together, such as ``"recording"`` or ``"row"``; ``None`` for the data
            set's default, which keeps a recording or a person together.
        seed: the seed of the split.
        options: the data set's own, such as ``recordings_per_class`` of ``seizure-simulated``.

    Raises:
        ValueError: if the name, split or option is unknown, or the files hold bad values; the
            message names file, row and column.
        FileNotFoundError: if the files are in none of the places; the message says how to get
            them.
    """
    spec = data_spec(name)
    split = spec.splits[0] if split is None else split
    if split not in spec.splits:
        raise unknown_name(f"split of {name}", split, spec.splits)
    for option in options:
        if option not in spec.options:
            raise unknown_name(f"option of {name}", option, spec.options)
    try:
        data = spec.loader(data_dir=data_dir, split=split, seed=seed, **options)
    except TypeError as error:
        raise ValueError(f"{name} cannot be loaded with {options}: {error}") from error
    return replace(data, options=options)
