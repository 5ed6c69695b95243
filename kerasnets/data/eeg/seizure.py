"""Loads the Bonn EEG recordings from the UCI table or from the original archives."""

from __future__ import annotations

from pathlib import Path

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.eeg.bonn import SAMPLES, SETS, SPLITS, make_dataset
from kerasnets.data.eeg.bonn_archives import find_sets, read_archives
from kerasnets.data.eeg.bonn_table import check_complete, read_table
from kerasnets.data.locate import not_found, places
from kerasnets.data.tables.cells import name_file

_TABLES = ("epileptic seizure recognition.csv", "epileptic seizure recognition.csv.gz")
# Folders below a data folder in which the files are looked for.
_FOLDERS = (".", "seizure", "bonn", "seizure/bonn")


@register("seizure", splits=SPLITS)
def load_seizure(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    folds: int = 0,
    fold: int = 0,
    classes: int = 5,
    samples: int = SAMPLES,
    step: int | None = None,
) -> Dataset:
    """EEG of five classes, 500 recordings of 23 rows × 178 samples in µV (Andrzejak et al. 2001).

    Args:
        data_dir: a folder with the table or the archives, a folder with a subfolder ``seizure``
            that contains them, or the table itself.
        split: ``"recording"`` or ``"row"``.
        seed: seed of the split.
        folds: see :func:`kerasnets.data.eeg.bonn.make_dataset`, also for the other options.
        fold: number of the test fold.
        classes: 5, or 2 for seizure against the rest.
        samples: samples per example; other than 178 for windows of the recordings.
        step: samples from one training window to the next.

    Raises:
        ValueError: if an option is out of range or the files are invalid.
        FileNotFoundError: if neither table nor archives are found.
    """
    source = _find(data_dir)
    if isinstance(source, Path):
        rows = read_table(source)
        check_complete(source, rows)
    else:
        rows = read_archives(source)
        source = source[SETS[0]].parent
    with name_file(source):
        return make_dataset(
            "seizure",
            rows,
            split=split,
            seed=seed,
            source=str(source),
            folds=folds,
            fold=fold,
            classes=classes,
            samples=samples,
            step=step,
        )


def _find(data_dir: str | Path | None) -> Path | dict[str, Path]:
    """The table, or the five archives or folders by letter, whichever is found first."""
    searched: list[str] = []
    for place in places(data_dir):
        if place.is_file():
            return place
        for folder in dict.fromkeys(place / name for name in _FOLDERS):
            searched.append(str(folder))
            if not folder.is_dir():
                continue
            for path in sorted(folder.iterdir()):
                if path.name.lower() in _TABLES and path.is_file():
                    return path
            sets = find_sets(folder)
            if len(sets) == len(SETS):
                return sets
            if sets:
                absent = ", ".join(letter for letter in SETS if letter not in sets)
                searched[-1] += f" (has {', '.join(sets)}, not {absent})"
    files = (
        "the table 'Epileptic Seizure Recognition.csv' (or .csv.gz), or the archives or folders "
        "Z O N F S,"
    )
    raise not_found("seizure", searched, files, "seizure-simulated")
