"""Loads labelled images: MNIST, other sets of IDX files, and scikit-learn's small digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.fetch import FILES as FETCHED
from kerasnets.data.images.idx import FILES, find_files, read_set
from kerasnets.data.inputs import checksum
from kerasnets.data.locate import not_found, places
from kerasnets.data.options import whole_number
from kerasnets.data.split import Split
from kerasnets.data.splits import split_fold, split_rows
from kerasnets.data.tables.cells import name_file

PIXELS = "pixel values from 0 to 255"
DIGITS = tuple("0123456789")
# SHA-256 of the unpacked files; gzip files with the same content may differ.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_FOLDERS = (".", "mnist", "MNIST", "MNIST/raw")


@register("mnist", splits=("official",))
def load_mnist(
    *, data_dir: str | Path | None, split: str, seed: int, validation: int = 5000
) -> Dataset:
    """60,000 + 10,000 handwritten digits of 28 × 28 pixels (LeCun, Cortes and Burges).

    The test split is the official one; other people wrote its digits. The validation split is a
    stratified sample of the 60,000.

    Args:
        data_dir: a folder with the four IDX files, or with a subfolder ``mnist`` of these files.
        split: ``"official"``.
        seed: seed of the validation split.
        validation: number of images in the validation split.

    Raises:
        ValueError: if a file is damaged or does not belong to MNIST.
        FileNotFoundError: if the files are not found.
    """
    files = _find("mnist", data_dir, _FOLDERS)
    arrays = read_set(files, MNIST_SHA256)
    with name_file(files["train images"].parent):
        return _official("mnist", files, arrays, DIGITS, split, seed, validation)


@register("idx", splits=("official",))
def load_idx(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    validation: int = 5000,
    class_names: Sequence[str] = (),
) -> Dataset:
    """Any set of four IDX files in the format of MNIST, such as Fashion-MNIST, in ``data_dir``.

    Args:
        data_dir: folder with the four IDX files.
        split: ``"official"``.
        seed: seed of the validation split.
        validation: number of images in the validation split.
        class_names: one name per class; by default the labels themselves.

    Raises:
        ValueError: if a file is damaged, or there are fewer names than classes.
        FileNotFoundError: if the files are not found.
    """
    files = _find("idx", data_dir, (".",))
    arrays = read_set(files)
    classes = 1 + max(int(arrays[f"{part} labels"].max()) for part in ("train", "test"))
    names = tuple(class_names) or tuple(map(str, range(classes)))
    if len(names) < classes:
        raise ValueError(
            f"class_names has {len(names)} names; the labels in {files['train labels'].parent} go "
            f"up to {classes - 1}, so give {classes} or more."
        )
    with name_file(files["train images"].parent):
        return _official("idx", files, arrays, names, split, seed, validation)


@register("digits", splits=("row",))
def load_digits(
    *, data_dir: str | Path | None, split: str, seed: int, folds: int = 0, fold: int = 0
) -> Dataset:
    """1,797 real digits that come with scikit-learn, 8 × 8 resized to MNIST's 28 × 28 pixels.

    From the UCI set "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998). As in
    MNIST the digit fills the middle 20 × 20 pixels, here by linear interpolation. The writers of
    the digits are unknown.

    Args:
        data_dir: not used; no files are needed.
        split: ``"row"``.
        seed: seed of the split.
        folds: number of folds of a cross-validation, or 0 for a single split.
        fold: number of the test fold, from 0.
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits as load

    digits = load()
    middle = zoom(digits.images, (1, 2.5, 2.5), order=1, mode="nearest", grid_mode=True)
    images = np.rint(np.pad(middle, ((0, 0), (4, 4), (4, 4))) * (255 / 16)).astype(np.uint8)
    labels = digits.target.astype(np.uint8)
    parts = split_fold(labels, folds=folds, fold=fold, seed=seed)
    train, validation, test = (_split(images[part], labels[part]) for part in parts)
    return Dataset(
        name="digits",
        train=train,
        validation=validation,
        test=test,
        class_names=DIGITS,
        split=split,
        seed=seed,
        source="scikit-learn's load_digits, resized from 8 × 8 to 28 × 28",
        checksum=checksum(images, labels),
        units=PIXELS,
    )


def _find(name: str, data_dir: str | Path | None, folders: Sequence[str]) -> dict[str, Path]:
    searched = []
    for place in places(data_dir):
        for folder in (place / inner for inner in folders):
            files = find_files(folder)
            if len(files) == len(FILES):
                return files
            searched.append(str(folder))
            if files:
                absent = ", ".join(FILES[what] for what in FILES if what not in files)
                searched[-1] += f" (without {absent})"
    wanted = f"{', '.join(FILES.values())} (or .gz)"
    origin = None if name in FETCHED else "the four files of the set"
    raise not_found(name, searched, wanted, "digits", origin)


def _official(
    name: str,
    files: Mapping[str, Path],
    arrays: Mapping[str, np.ndarray],
    class_names: tuple[str, ...],
    split: str,
    seed: int,
    validation: int,
) -> Dataset:
    images, labels = arrays["train images"], arrays["train labels"]
    classes = len(np.unique(labels))  # each part needs one image of each class
    whole_number("validation", validation, classes, len(labels) - classes)
    share = validation / len(labels)
    train, held_out = split_rows(labels, (1 - share, share), seed)
    return Dataset(
        name=name,
        train=_split(images[train], labels[train]),
        validation=_split(images[held_out], labels[held_out]),
        test=_split(arrays["test images"], arrays["test labels"]),
        class_names=class_names,
        split=split,
        seed=seed,
        source=str(files["train images"].parent),
        checksum=checksum(*arrays.values()),
        units=PIXELS,
    )


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(images[..., np.newaxis].astype(np.float32), labels.astype(np.int32))
