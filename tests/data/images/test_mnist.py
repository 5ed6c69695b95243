from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from kerasnets.data import load_data
from kerasnets.data.images.idx import FILES
from kerasnets.data.tables.cells import DataError
from tests.data.helpers import idx

# Where Debian's package dataset-fashion-mnist puts its files.
FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture(scope="module")
def small_set(tmp_path_factory) -> Path:
    """40 training and 12 test images of 6 × 6 pixels in three classes."""
    folder = tmp_path_factory.mktemp("idx")
    rng = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 12)):
        images = rng.integers(0, 256, (count, 6, 6))
        (folder / FILES[f"{part} images"]).write_bytes(gzip.compress(idx(images)))
        (folder / FILES[f"{part} labels"]).write_bytes(idx(np.arange(count) % 3))
    return folder


@pytest.mark.real_data
def test_mnist_is_complete_and_has_the_official_test_split(real_data_dir):
    data = load_data("mnist", real_data_dir)
    assert {name: part.x.shape for name, part in data.splits.items()} == {
        "train": (55_000, 28, 28, 1),
        "validation": (5_000, 28, 28, 1),
        "test": (10_000, 28, 28, 1),
    }
    assert data.train.x.dtype == np.float32
    assert (data.train.x.min(), data.train.x.max()) == (0, 255)
    # The first digits of both files are well known.
    assert data.train.y[:3].tolist() == [5, 0, 1]
    assert data.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(data.test.y).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    both = np.bincount(np.concatenate([data.train.y, data.validation.y]))
    assert both.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    # Stratified: a twelfth of each class, up to one image.
    assert np.abs(np.bincount(data.validation.y) - both / 12).max() < 1


@pytest.mark.real_data
def test_plain_files_hold_the_same_mnist(real_data_dir, tmp_path):
    for path in (real_data_dir / "mnist").iterdir():
        (tmp_path / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    plain, packed = load_data("mnist", tmp_path), load_data("mnist", real_data_dir)
    assert plain.checksum == packed.checksum
    other = load_data("mnist", real_data_dir, seed=1, validation=70)
    assert len(other.validation) == 70
    assert other.checksum == packed.checksum
    assert np.array_equal(other.test.x, packed.test.x)


def test_mnist_refuses_another_set(small_set):
    with pytest.raises(DataError, match=r"SHA-256 is .* under the name 'idx'"):
        load_data("mnist", small_set)


def test_any_set_of_idx_files_loads(small_set):
    data = load_data("idx", small_set, validation=10)
    assert data.train.x.shape == (30, 6, 6, 1)
    assert data.class_names == ("0", "1", "2")
    assert data.source == str(small_set)
    assert np.array_equal(data.test.y, np.arange(12) % 3)
    named = load_data("idx", small_set, validation=10, class_names=["a", "b", "c", "d"])
    assert named.class_names == ("a", "b", "c", "d")
    assert named.checksum == data.checksum
    again = load_data("idx", small_set, validation=10, seed=3)
    assert not np.array_equal(again.validation.x, data.validation.x)
    rows = {image.tobytes() for part in (data.train, data.validation) for image in part.x}
    assert len(rows) == 40


@pytest.mark.parametrize("validation", [0, 2, 38, 40, -1, 10.0, "10", True])
def test_an_invalid_validation_split_is_refused(small_set, validation):
    with pytest.raises(ValueError, match="validation must be a whole number from 3 to 37"):
        load_data("idx", small_set, validation=validation)


def test_fewer_names_than_classes_are_refused(small_set):
    with pytest.raises(ValueError, match=r"class_names has 2 names; the labels .* go up to 2"):
        load_data("idx", small_set, validation=10, class_names=["a", "b"])


def test_the_error_for_missing_files_says_how_to_get_them(small_set, tmp_path):
    (tmp_path / FILES["test labels"]).write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="kerasnets data fetch mnist") as error:
        load_data("mnist", tmp_path)
    assert f"{tmp_path} (without train-images-idx3-ubyte, train-labels" in str(error.value)
    assert "The data set 'digits' needs no files" in str(error.value)
    with pytest.raises(FileNotFoundError, match="Get the four files of the set, or give "):
        load_data("idx", tmp_path)


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_fashion_mnist_loads():
    data = load_data("idx", FASHION)
    assert len(data.test) == 10_000
    assert np.bincount(data.test.y).tolist() == [1_000] * 10


def test_digits_of_scikit_learn_are_in_the_middle_of_28_by_28_pixels():
    data = load_data("digits")
    assert [len(part) for part in data.splits.values()] == [1_078, 360, 359]
    images = np.concatenate([part.x for part in data.splits.values()])
    labels = np.concatenate([part.y for part in data.splits.values()])
    assert images.shape == (1_797, 28, 28, 1)
    assert (images.min(), images.max()) == (0, 255)
    frame = np.ones((28, 28), bool)
    frame[4:24, 4:24] = False
    assert (images[:, frame] == 0).all()
    original = load_digits()
    assert np.array_equal(np.bincount(labels), np.bincount(original.target))
    # Resizing distributes the ink over 2.5² as many pixels.
    ink = np.sort(images.sum(axis=(1, 2, 3)))
    expected = np.sort(original.images.sum(axis=(1, 2)) * 2.5**2 * 255 / 16)
    np.testing.assert_allclose(ink, expected, rtol=0.02)


def test_digits_are_split_by_row_with_every_class_in_every_part():
    data = load_data("digits")
    assert data.split == "row"
    for part, share in zip(data.splits.values(), (0.6, 0.2, 0.2), strict=True):
        assert np.abs(np.bincount(part.y) - share * np.bincount(load_digits().target)).max() <= 1
    assert not np.array_equal(load_data("digits", seed=1).train.y, data.train.y)
