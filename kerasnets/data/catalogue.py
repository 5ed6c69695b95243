"""The catalogue of data sets: their names, loaders, splits and options."""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from kerasnets._errors import unknown_name
from kerasnets.data.dataset import Dataset
from kerasnets.data.files import SUFFIXES, is_file_name
from kerasnets.data.options import whole_number
from kerasnets.data.split import describe_type
from kerasnets.data.splits import FRACTIONS

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
    "ehr.meds",
    "ehr.simulate",
)

# Arguments that load_data passes to every loader; the other arguments of a loader are its options.
_COMMON = ("data_dir", "split", "seed")

Loader = TypeVar("Loader", bound=Callable[..., Dataset])


@dataclass(frozen=True)
class DataSpec:
    """The entry of a data set in the catalogue.

    Attributes:
        name: name to load it by.
        loader: function that loads it.
        splits: ways to split it; the first is its default. Empty if the loader decides.
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
        """The loader's options with their defaults."""
        parameters = inspect.signature(self.loader).parameters
        return {name: p.default for name, p in parameters.items() if name not in _COMMON}


_SPECS: dict[str, DataSpec] = {}


def register(name: str, *, splits: tuple[str, ...]) -> Callable[[Loader], Loader]:
    """Register the decorated loader in the catalogue.

    The loader takes ``data_dir``, ``split`` and ``seed`` by keyword; its other arguments are the
    options of the data set.

    Args:
        name: name to load it by; must be new. A simulated one ends in ``-simulated``.
        splits: ways to split it; the first is its default.

    Raises:
        ValueError: if the name is taken.
    """

    def add_loader(loader: Loader) -> Loader:
        if name in _SPECS:
            raise ValueError(
                f"The data set {name!r} is already registered by "
                f"{_SPECS[name].loader.__qualname__}; choose another name."
            )
        _SPECS[name] = DataSpec(name, loader, splits)
        return loader

    return add_loader


@functools.cache
def _load() -> None:
    for module in _MODULES:
        importlib.import_module(f"kerasnets.data.{module}")


def list_datasets(pattern: str = "*") -> list[str]:
    """The sorted names of the data sets that match a shell pattern, such as ``"seizure*"``."""
    _load()
    return sorted(fnmatch.filter(_SPECS, pattern))


def data_spec(name: str) -> DataSpec:
    """The catalogue entry of a data set, or an entry for the data file of a path.

    Raises:
        ValueError: if the data set does not exist; the message contains similar names.
    """
    if is_file_name(name):
        return DataSpec(name, functools.partial(_load_file, name), splits=())
    _load()
    if name not in _SPECS:
        endings = ", ".join(SUFFIXES)
        error = unknown_name("data set", name, _SPECS)
        raise ValueError(f"{error} For your own file, give a path ending in {endings}.")
    return _SPECS[name]


def load_data(
    name: str | os.PathLike[str],
    data_dir: str | Path | None = None,
    split: str | None = None,
    seed: int = 0,
    **options: Any,
) -> Dataset:
    """Load a data set by name, split into train, validation and test.

    Args:
        name: a name of :func:`list_datasets`, or the path of your own ``.csv``, ``.csv.gz``,
            ``.parquet`` or ``.npz`` file. The name of a real data set never loads simulated data.
        data_dir: folder with its files; by default ``$KERASNETS_DATA``, then the user's cache.
            For your own file, the folder that a relative path starts from.
        split: unit that is kept in one part, such as ``"recording"`` or ``"row"``. ``None`` is
            the default of the data set.
        seed: seed of the split.
        options: options of the data set, such as ``recordings_per_class`` for
            ``seizure-simulated``. For your own file, the arguments of
            :meth:`kerasnets.data.Dataset.from_file`, such as ``target`` and ``group``.

    Raises:
        ValueError: if the name, split or option is unknown, or the files hold invalid values; the
            message contains file, row and column.
        FileNotFoundError: if the files are not found; the message says how to get them.
    """
    name = os.fspath(name)
    # Options are saved with a run, as JSON.
    options = {option: os.fspath(value) if isinstance(value, os.PathLike) else value
               for option, value in options.items()}  # fmt: skip
    spec = data_spec(name)
    whole_number("seed", seed, 0)
    if spec.splits:
        split = spec.splits[0] if split is None else split
        if split not in spec.splits:
            raise unknown_name(f"split of {name}", split, spec.splits)
    for option in options:
        if option not in spec.options:
            raise unknown_name(f"option of {name}", option, spec.options)
    arguments = {"data_dir": data_dir, "split": split, "seed": seed, **options}
    try:
        inspect.signature(spec.loader).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{name} cannot be loaded with {options}: {error}.") from None
    return replace(spec.loader(**arguments), options=options)


def as_dataset(data: Any) -> Dataset:
    """Return a data set, or load it by its name or path.

    Args:
        data: a :class:`Dataset`, a name of :func:`list_datasets`, or the path of a file.

    Raises:
        ValueError: if it is something else, such as a pair of arrays; the message says what to
            write instead.
        FileNotFoundError: if a file does not exist.
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | os.PathLike):
        return load_data(data)
    advice = "data = kn.Dataset.from_arrays(x, y)"
    if hasattr(data, "columns"):
        advice = "data = kn.Dataset.from_frame(frame, target=…)"
    raise ValueError(
        f"data must be a Dataset, the name of a data set or the path of a file, got "
        f"{describe_type(data)}. For your own data: {advice}, which splits it into training, "
        "validation and test parts."
    )


def _load_file(
    name: str,
    *,
    data_dir: str | Path | None,
    split: str | None,
    seed: int,
    target: str | Sequence[str] | None = None,
    group: str | None = None,
    drop: str | Sequence[str] = (),
    split_column: str | None = None,
    allow: str | Sequence[str] = (),
    fractions: Sequence[float] = FRACTIONS,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    units: str = "",
    target_units: str = "",
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """Load your own data file; see :meth:`kerasnets.data.Dataset.from_file`."""
    path = Path(name).expanduser()
    if data_dir is not None:
        path = Path(data_dir).expanduser() / path
    options: dict[str, Any] = {
        "class_names": class_names, "target_names": target_names, "task": task, "allow": allow,
    }  # fmt: skip
    data = Dataset.from_file(
        path, target, group, drop, split, seed, split_column=split_column, fractions=fractions,
        units=units, target_units=target_units, folds=folds, fold=fold,
        **{option: value for option, value in options.items() if value},
    )  # fmt: skip
    return replace(data, name=name)
