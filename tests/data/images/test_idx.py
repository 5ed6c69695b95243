from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kerasnets.data.images.idx import FILES, find_files, read_idx, read_set
from kerasnets.data.tables.cells import DataError
from tests.data.helpers import idx

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([2, 0, 1], np.uint8)


@pytest.fixture
def file(tmp_path: Path):
    def write(content: bytes, name: str = "train-images-idx3-ubyte") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def test_plain_and_gzip_files_hold_the_same_array(file):
    for content in (idx(IMAGES), gzip.compress(idx(IMAGES))):
        array = read_idx(file(content), axes=3)
        assert array.dtype == np.uint8
        assert np.array_equal(array, IMAGES)
    assert np.array_equal(read_idx(file(idx(LABELS)), axes=1), LABELS)


def test_an_array_without_images_is_read(file):
    assert read_idx(file(idx(IMAGES[:0])), axes=3).shape == (0, 4, 5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it starts with nothing"),
        (b"\x00", "not an IDX file: it starts with 00"),
        (b"PNG image", "it starts with 50 4e 47 20"),
        (idx(LABELS), r"magic number 00 00 08 01; expected 00 00 08 03 \(images, three axes"),
        (idx(IMAGES).replace(b"\x08", b"\x0d", 1), "magic number 00 00 0d 03"),
        (idx(IMAGES)[:10], "truncated within its header, 10 bytes"),
        (idx(IMAGES)[:-1], r"truncated: 59 bytes of values, but the sizes 3 × 4 × 5 make 60"),
        (idx(IMAGES) + b"\0", "too long: 61 bytes or more"),
        (idx(IMAGES)[:4] + b"\xff" * 12, "The header may be damaged"),
        (gzip.compress(idx(IMAGES)[:16] + bytes(2**24)), "too long: 61 bytes or more"),
        (gzip.compress(idx(IMAGES))[:-9], "the gzip file is truncated or damaged"),
        (gzip.compress(idx(IMAGES))[:-4] + b"\1\1\1\1", "the gzip file is truncated or damaged"),
    ],
)
def test_truncated_and_other_files_are_refused(file, content, message):
    path = file(content)
    with pytest.raises(DataError, match=message) as refusal:
        read_idx(path, axes=3)
    assert str(refusal.value).startswith(str(path))


def test_unexpected_content_is_refused(file):
    with pytest.raises(DataError, match=r"unpacked SHA-256 is .*, not 00ff: another data set"):
        read_idx(file(idx(IMAGES)), axes=3, sha256="00ff")


def write_set(folder: Path, **arrays: np.ndarray) -> dict[str, Path]:
    named = {"train images": IMAGES, "train labels": LABELS}
    named |= {"test images": IMAGES, "test labels": LABELS}
    for what, array in (named | {key.replace("_", " "): arrays[key] for key in arrays}).items():
        (folder / FILES[what]).write_bytes(idx(array))
    return find_files(folder)


def test_files_are_found_by_all_their_names(tmp_path):
    for number, (what, name) in enumerate(FILES.items()):
        assert list(find_files(tmp_path)) == list(FILES)[:number]
        written = f"{name.replace('-idx', '.idx')}.gz" if number % 2 else name
        (tmp_path / written).touch()
        assert find_files(tmp_path)[what].name == written
    assert find_files(tmp_path / "nowhere") == {}


def test_all_files_of_a_set_are_read(tmp_path):
    arrays = read_set(write_set(tmp_path))
    assert {what: array.shape for what, array in arrays.items()} == {
        "train images": (3, 4, 5),
        "train labels": (3,),
        "test images": (3, 4, 5),
        "test labels": (3,),
    }


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train_labels": LABELS[:2]}, "3 images .* and 2 labels in train-labels-idx1-ubyte"),
        ({"test_images": IMAGES[:2]}, "t10k-images-idx3-ubyte: 2 images .* and 3 labels"),
        ({"train_images": IMAGES[:0], "train_labels": LABELS[:0]}, "0 images .* and 0 labels"),
        ({"test_images": IMAGES[:, :3]}, r"images of \(3, 5\) pixels, but .* have \(4, 5\)"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        read_set(write_set(tmp_path, **arrays))
