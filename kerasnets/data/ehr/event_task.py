"""A task on a MEDS data set, and how it becomes a data set of sequences."""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass

from kerasnets.data.ehr.cohort import UNKNOWN
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.ehr.meds_files import MedsFiles, fingerprint
from kerasnets.data.options import whole_number
from kerasnets.data.splits import check_fold


@dataclass(frozen=True)
class EventTask:
    """A task on a MEDS data set, and how it becomes a data set of sequences.

    Attributes:
        name: name of the data set.
        files: the files.
        rules: how events become visits and codes.
        label_column: see :class:`kerasnets.data.ehr.meds_labels.Labels`.
        class_names: name of each class; empty for the default.
        split: ``"auto"``, ``"given"`` or ``"patient"``; see
            :func:`kerasnets.data.ehr.meds_splits.choose_splitter`, also for the next three.
        seed: seed of our own split.
        folds: number of folds, or 0.
        fold: number of the test fold.
        min_count: number of visits of the training split in which a code must occur.
        vocabulary: names of the codes, the first of which is ``"unknown"``; empty for those that
            occur often enough in the training split.
    """

    name: str
    files: MedsFiles
    rules: EventRules
    label_column: str | None = None
    class_names: tuple[str, ...] = ()
    split: str = "auto"
    seed: int = 0
    folds: int = 0
    fold: int = 0
    min_count: int = 5
    vocabulary: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fold(self.folds, self.fold)
        whole_number("min_count", self.min_count, 1)
        _check_vocabulary(self.vocabulary, self.rules)

    @property
    def mapping_key(self) -> str:
        """Changes with everything that the mapped shards depend on."""
        split = [self.split, self.seed, self.folds, self.fold] if self.rules.numeric_bins else None
        return fingerprint(self.files.all, [asdict(self.rules), self.label_column, split])

    @property
    def split_key(self) -> str:
        """Changes with what else the splits depend on."""
        return fingerprint(
            (), [self.split, self.seed, self.folds, self.fold, self.min_count, self.vocabulary]
        )


def _check_vocabulary(vocabulary: tuple[str, ...], rules: EventRules) -> None:
    if not vocabulary:
        return
    if vocabulary[0] != UNKNOWN or not all(map(operator.lt, vocabulary[1:], vocabulary[2:])):
        raise ValueError(
            f"vocabulary must be {UNKNOWN!r} and then sorted codes without duplicates, such as "
            f"run.vocabulary; got {', '.join(map(repr, vocabulary[:3]))}, …"
        )
    if rules.numeric_bins:
        raise ValueError(
            "vocabulary and numeric_bins cannot be used together: the bins are learned from the "
            "training split."
        )
