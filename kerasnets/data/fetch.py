"""Download the files of a data set from mirrors and check them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kerasnets._errors import WorkFailedError, unknown_name
from kerasnets._files import name_full_disk, publish
from kerasnets._temporary import remove_leftovers, temporary
from kerasnets.data.locate import places

_RETRIES = 2  # further attempts per mirror
_TIMEOUT = (15, 60)  # seconds to connect, and between two chunks of a response


class FetchError(WorkFailedError, OSError):
    """No mirror has a valid copy of a file; the message contains the error of each mirror."""


@dataclass(frozen=True)
class Files:
    """The files of a data set and where to download them.

    Attributes:
        folder: folder of the files, below the data folder.
        sha256: checksum of each file, by its name.
        sizes: bytes of each file, by its name. A download stops when there are more.
        mirrors: for each mirror, the address of each file by its name; tried in this order.
    """

    folder: str
    sha256: Mapping[str, str]
    sizes: Mapping[str, int]
    mirrors: Sequence[Mapping[str, str]]


class _TooLargeError(Exception):
    """A server sends more than the file has; no ``ValueError``, after which pooch tries again."""


class _Limited:
    """A file that refuses to become larger than it should."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._written = 0

    def write(self, chunk: bytes) -> None:
        self._written += len(chunk)
        if self._written > self._size:
            raise _TooLargeError(
                f"more than {self._size:,} bytes, the size of the file; the download was stopped"
            )
        self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


_BONN = "http://epileptologie-bonn.de/cms/upload/workgroup/lehnertz"
_UPF = "https://www.upf.edu/documents/229517819/234490509"
_MNIST = {
    f"{name}-ubyte.gz": sha256
    for name, sha256 in {
        "train-images-idx3": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    }.items()
}
_MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)

FILES = {
    "seizure": Files(
        folder="seizure/bonn",
        sha256={
            "Z.zip": "0a5fb7a2506ff2ed2b73726d9d096eb1480fcadc8fda64db4f6176f84fcfada0",
            "O.zip": "ba80918e8d894c7e192cd17b23fdec314da3a80b8afce39134ca958174bb2f36",
            "N.zip": "09dce0de582851f04119754327fad265c093b42208d8129e2f58f88169471982",
            "F.zip": "a907fd8ccb4d1485ca0bb1a357e72aebde2ec534716cdc068aecbb2beb1d2904",
            "S.zip": "9b340ac192ab08de7e1d55aa93ae7e6752ed2f5ba48f81fad40b5166d928a975",
        },
        sizes={
            "Z.zip": 549_310,
            "O.zip": 599_953,
            "N.zip": 545_305,
            "F.zip": 554_532,
            "S.zip": 745_333,
        },
        mirrors=(
            {f"{letter}.zip": f"{_BONN}/{letter}.zip" for letter in "ZONFS"},
            {
                "Z.zip": f"{_UPF}/Z.zip/9c4a0084-c0d6-3cf6-fe48-8a8767713e67",
                "O.zip": f"{_UPF}/O.zip/f324f98f-1ade-e912-b89d-e313ac362b6a",
                "N.zip": f"{_UPF}/N.zip/d4f08e2d-3b27-1a6a-20fe-96dcf644902b",
                "F.zip": f"{_UPF}/F.zip/8219dcdd-d184-0474-e0e9-1ccbba43aaee",
                "S.zip": f"{_UPF}/S.zip/7647d3f7-c6bb-6d72-57f7-8f12972896a6",
            },
        ),
    ),
    "mnist": Files(
        folder="mnist",
        sha256=_MNIST,
        sizes={
            "train-images-idx3-ubyte.gz": 9_630_610,
            "train-labels-idx1-ubyte.gz": 28_878,
            "t10k-images-idx3-ubyte.gz": 1_602_050,
            "t10k-labels-idx1-ubyte.gz": 4_517,
        },
        mirrors=tuple({name: f"{base}/{name}" for name in _MNIST} for base in _MNIST_MIRRORS),
    ),
}


def fetch(
    name: str,
    data_dir: str | Path | None = None,
    urls: str | Sequence[str] | None = None,
    progress: bool = True,
) -> Path:
    """Download the files of a data set to the folder in which ``load_data`` looks for them.

    A file that exists and has the right checksum is not downloaded again. A download that fails
    is tried again, and then from the next mirror. A download that is larger than the file should be
    is stopped. Each file is written atomically after its
    checksum was verified.

    Args:
        name: the data set.
        data_dir: data folder; by default ``$KERASNETS_DATA``, then the user's cache.
        urls: base addresses to use instead of the known mirrors; file names are appended.
        progress: whether to show one progress bar per file.

    Returns:
        The folder with the files.

    Raises:
        ValueError: if the data set cannot be fetched, or ``data_dir`` is a file.
        FetchError: if no mirror has a file with the right checksum.
    """
    if name not in FILES:
        raise unknown_name("data set to fetch", name, FILES)
    files = FILES[name]
    root = places(data_dir)[0]
    if root.is_file():
        raise ValueError(f"The data folder {root} is a file; give a folder.")
    folder = root / files.folder
    remove_leftovers(folder)
    mirrors = list(files.mirrors)
    if urls is not None:
        bases = [urls] if isinstance(urls, str) else urls
        mirrors = [{file: f"{base.rstrip('/')}/{file}" for file in files.sha256} for base in bases]
    for file, sha256 in files.sha256.items():
        addresses = [mirror[file] for mirror in mirrors]
        working = _fetch_file(folder / file, sha256, files.sizes[file], addresses, progress)
        # The other files are taken from the working mirror first.
        mirrors = mirrors[working:] + mirrors[:working]
    return folder


def _fetch_file(path: Path, sha256: str, size: int, urls: Sequence[str], progress: bool) -> int:
    """Download a file from the first address that has it; return the index of that address."""
    import pooch
    import requests

    if path.is_file() and pooch.file_hash(path) == sha256:
        return 0
    pooch.get_logger().setLevel("ERROR")  # the progress bar and our errors say enough
    http = pooch.HTTPDownloader(progressbar=progress, timeout=_TIMEOUT)

    def download(url: str, output: str, registry: pooch.Pooch) -> None:
        with Path(output).open("wb") as file:
            http(url, _Limited(file, size), registry)

    # pooch writes a temporary file of its own; a locked folder lets the next call remove it.
    with name_full_disk(path), temporary(path.parent, path.name, Path.mkdir) as folder:
        failures = []
        for number, url in enumerate(urls):
            mirror = pooch.create(
                folder,
                base_url="",
                registry={path.name: f"sha256:{sha256}"},
                urls={path.name: url},
                retry_if_failed=_RETRIES,
            )
            try:
                mirror.fetch(path.name, downloader=download)
            # ValueError: wrong checksum
            except (requests.RequestException, ValueError, _TooLargeError) as error:
                failures.append(f"  {url}: {error}")
            else:
                publish(folder / path.name, path)
                return number
    raise FetchError(
        f"{path.name} could not be fetched:\n" + "\n".join(failures) + "\nTry again later, give "
        f"a mirror with --url, or put the file into {path.parent}."
    )
