"""The data set class: three splits of arrays, and where they come from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Unpack

from kerasnets._display import html_block
from kerasnets._errors import unknown_name
from kerasnets.data.files import read_file
from kerasnets.data.labels import TASKS
from kerasnets.data.options import FileOptions, FrameOptions
from kerasnets.data.own import split_arrays, split_columns
from kerasnets.data.split import Arrays as Arrays
from kerasnets.data.split import Split as Split
from kerasnets.data.split import describe_shapes, describe_type
from kerasnets.data.split import sequences as sequences
from kerasnets.data.splits import FRACTIONS
from kerasnets.data.tables.cells import name_file


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Training, validation and test split of one data set.

    Attributes:
        name: name to load it by; a simulated one ends in ``-simulated``.
        train: split that everything is fitted on.
        validation: split that epochs and thresholds are chosen on.
        test: split that is used once, for the final metrics.
        class_names: name of each class, in the order of the labels, or of each label of a
            multilabel task; empty for a regression.
        split: unit that was kept in one part: ``"recording"``, ``"patient"``, ``"group"`` or
            ``"row"``; ``"given"`` for an explicit split.
        seed: seed of the split.
        source: where the arrays came from: a path or a description.
        checksum: SHA-256 of the data before splitting. All file formats that hold the same data
            have the same checksum.
        units: physical unit of ``x``, such as ``"µV"``.
        counts: number of records that were read or left out, by description.
        feature_names: name of each column of a table; else empty.
        codebook: for a table with text, how each column is converted to numbers, learned from
            the training rows. An argument of :func:`kerasnets.data.encode_table`; can be saved
            as JSON.
        options: options of the loader that differ from their defaults.
        task: ``"classification"``, ``"binary"``, ``"multilabel"`` or ``"regression"``.
        target_names: name of each target column of a regression; else empty.
        target_units: physical unit of the targets of a regression.

    Raises:
        ValueError: if a part is not a :class:`Split`, or the task is unknown.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    split: str
    seed: int
    source: str
    checksum: str
    units: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    feature_names: tuple[str, ...] = ()
    codebook: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    task: str = "classification"
    target_names: tuple[str, ...] = ()
    target_units: str = ""

    def __post_init__(self) -> None:
        for name, part in self.splits.items():
            if not isinstance(part, Split):
                raise ValueError(
                    f"{name} of a Dataset must be a Split, got {describe_type(part)}. Use "
                    "kn.Split(x, y), or kn.Dataset.from_arrays(x, y), which converts and splits "
                    "your own data."
                )
        if self.task not in TASKS:
            raise unknown_name("task", self.task, TASKS)

    def __repr__(self) -> str:
        sizes = " + ".join(f"{len(part):,}" for part in self.splits.values())
        names = self.class_names or self.target_names
        shown = ", ".join(names[:5]) + (f", … ({len(names)})" if len(names) > 5 else "")
        return (
            f"Dataset({self.name!r}, {self.task} of {shown}, {sizes} examples, "
            f"x {describe_shapes(self.train.x)}, split by {self.split}, seed {self.seed})"
        )

    def _repr_html_(self) -> str:
        """Describe the data set in a notebook."""
        names = self.class_names or self.target_names
        facts = {
            "task": f"{self.task} of {', '.join(names)}",
            "inputs": f"{describe_shapes(self.train.x)} in {self.units or 'unknown units'}",
            "examples": ", ".join(f"{len(part):,} {name}" for name, part in self.splits.items()),
            "split": f"by {self.split}, seed {self.seed}",
            "source": self.source,
        }
        kind = "simulated, not measured" if self.simulated else "real"
        return html_block(f"{self.name} ({kind})", facts)

    @property
    def simulated(self) -> bool:
        """Whether the data are simulated. Scores on them say nothing about real data."""
        return self.name.endswith("-simulated")

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name, in the order train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @classmethod
    def from_arrays(
        cls,
        x: Any,
        y: Any,
        groups: Any = None,
        split: Any = None,
        seed: int = 0,
        class_names: Sequence[str] | None = None,
        units: str = "",
        *,
        fractions: Sequence[float] = FRACTIONS,
        task: str | None = None,
        name: str = "data",
        target_names: Sequence[str] | None = None,
        target_units: str = "",
        feature_names: Sequence[str] | None = None,
        source: str = "arrays in memory",
        allow: str | Sequence[str] = (),
        folds: int = 0,
        fold: int = 0,
    ) -> Dataset:
        """Make a data set from your own arrays.

        Args:
            x: inputs with the examples on the first axis: an array or list of numbers, a dict of
                them for a model with several inputs, a DataFrame, or sequences of visits. Columns
                of a DataFrame that hold text, categories or dates are encoded with a codebook
                learned from the training rows, see :func:`kerasnets.data.encode_table`.
            y: labels, shape ``(n,)``: integers, booleans or strings for classes, floats for a
                regression (unless all are 0 or 1); shape ``(n, columns)``: zeros and ones for a
                multilabel task, other numbers for a regression. Rows are matched by position.
            groups: recording or person of each example, shape ``(n,)``: integers or strings.
            split: ``"group"`` keeps a group in one part, and is the default if ``groups`` is
                given; ``"row"`` ignores groups. Three numbers are used as ``fractions``. An
                explicit split is ``"train"``, ``"validation"`` or ``"test"`` for each row, or
                three arrays of row numbers.
            seed: seed of the split.
            class_names: name of each class; by default the sorted labels.
            units: physical unit of ``x``.
            fractions: shares of the training, validation and test parts; classes are divided in the
                same proportions.
            task: ``"classification"``, ``"binary"``, ``"multilabel"`` or ``"regression"``; by
                default inferred from ``y``.
            name: name of the data set.
            target_names: name of each target of a regression.
            target_units: physical unit of the targets.
            feature_names: name of each column of ``x``, if ``x`` has the shape ``(n, features)``.
            source: where the data came from, for the run folder.
            allow: for a DataFrame, columns to keep although they look like identifiers or free
                text, by their names or because most texts are in fewer than 5 training rows. Such
                texts become "other" and are not stored.
            folds: number of folds of a cross-validation, or 0 for a single split. Over all folds,
                each group, or each row without groups, is in the test part once. An eighth of the
                rest is the validation part.
            fold: number of the test fold, from 0.

        Raises:
            ValueError: if arrays have different lengths, types that cannot be converted or
                missing labels, an explicit split has a group in two parts, a column looks like
                an identifier or free text, or a class named by ``y`` has fewer than 5 rows.
        """
        return cls(
            name=name,
            seed=seed,
            source=source,
            units=units,
            target_units=target_units,
            options={"folds": folds, "fold": fold} if folds else {},
            **split_arrays(
                x, y, groups, split=split, fractions=fractions, seed=seed, folds=folds, fold=fold,
                task=task, class_names=class_names, target_names=target_names,
                feature_names=feature_names, allow=allow,
            ),
        )  # fmt: skip

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        target: str | Sequence[str],
        group: str | None = None,
        drop: str | Sequence[str] = (),
        **options: Unpack[FrameOptions],
    ) -> Dataset:
        """Make a data set from a pandas DataFrame.

        Args:
            frame: one row per example. Numbers stay numbers; text, categories and dates are
                encoded with a codebook learned from the training rows.
            target: column to predict; several for a multilabel task or a regression of several
                targets.
            group: column with the recording or person of each row.
            drop: columns to leave out.
            options: as for :meth:`from_arrays`.

        Raises:
            ValueError: if ``frame`` is not a DataFrame, a column does not exist or has two roles,
                or see :meth:`from_arrays`.
        """
        x, y, groups = split_columns(frame, target, group, drop)
        arguments: dict[str, Any] = {"source": "a DataFrame", **options}
        return cls.from_arrays(x, y, groups, **arguments)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        target: str | Sequence[str] | None = None,
        group: str | None = None,
        drop: str | Sequence[str] = (),
        split: Any = None,
        seed: int = 0,
        *,
        split_column: str | None = None,
        **options: Unpack[FileOptions],
    ) -> Dataset:
        """Make a data set from a ``.csv``, ``.csv.gz``, ``.parquet`` or ``.npz`` file.

        Args:
            path: a table with a header, or an ``.npz`` file with the arrays ``x`` and ``y`` and,
                optionally, ``groups``, ``class_names`` and ``split``.
            target: for a table, the column or columns to predict.
            group: for a table, the column with the recording or person of each row.
            drop: for a table, columns to leave out. A first column without a name, in which
                pandas writes row numbers, is always left out.
            split: as for :meth:`from_arrays`.
            seed: seed of the split.
            split_column: for a table, a column that says ``train``, ``validation`` or ``test``.
            options: as for :meth:`from_arrays`.

        Raises:
            ValueError: if the file cannot be read, or see :meth:`from_frame`.
            FileNotFoundError: if the file does not exist.
        """
        roles: dict[str, Any] = {"target": target, "group": group, "drop": drop}
        roles["split_column"] = split_column
        roles = {name: value for name, value in roles.items() if value}
        with name_file(path):
            arrays = read_file(path, **roles)
            stored = arrays.pop("split", None)
            if split == "given" and stored is None:
                raise ValueError("split='given' needs a split_column or an array 'split'.")
            if split in (None, "given"):
                split = stored
            about = {"name": str(path), "source": str(Path(path).expanduser().resolve())}
            data = cls.from_arrays(**{**arrays, **options, **about}, split=split, seed=seed)
        return replace(data, options={**roles, **options})
