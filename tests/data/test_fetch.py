"""Downloads from a local web server that can fail in the same ways as real servers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kerasnets.data import fetch, load_data
from kerasnets.data.fetch import FILES, FetchError, Files
from tests.data.helpers import Bonn
from tests.data.serving import Site, serving

NAMES = ("F.zip", "N.zip", "O.zip", "S.zip", "Z.zip")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which are skipped."""
    seconds: list[float] = []
    monkeypatch.setattr("pooch.core.time.sleep", seconds.append)
    return seconds


@pytest.fixture
def archives(bonn: Bonn, tmp_path: Path) -> dict[str, bytes]:
    (tmp_path / "served").mkdir()
    bonn.write_archives(tmp_path / "served")
    return {name: (tmp_path / "served" / name).read_bytes() for name in NAMES}


@pytest.fixture
def site(archives: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A mirror of small archives under /eeg; their checksums replace the published ones."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in archives.items()}
    sizes = {name: len(content) for name, content in archives.items()}
    monkeypatch.setitem(FILES, "seizure", Files("seizure/bonn", hashes, sizes, ()))
    with serving(Site({f"/eeg/{name}": content for name, content in archives.items()})) as running:
        yield running


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_load_data_finds_what_was_fetched(site: Site, archives, tmp_path: Path):
    folder = fetch("seizure", tmp_path / "data", urls=f"{site.url}/eeg/", progress=False)
    assert folder == tmp_path / "data" / "seizure" / "bonn"
    assert contents(folder) == archives
    dataset = load_data("seizure", tmp_path / "data")
    assert dataset.checksum == load_data("seizure", tmp_path / "served").checksum


def test_existing_files_are_not_fetched_again(site: Site, archives, tmp_path: Path):
    for _ in range(2):
        fetch("seizure", tmp_path, urls=[f"{site.url}/eeg"], progress=False)
    assert len(site.requests) == len(NAMES)
    (tmp_path / "seizure" / "bonn" / "O.zip").unlink()
    (tmp_path / "seizure" / "bonn" / "S.zip").write_bytes(b"spoilt")
    site.requests.clear()
    folder = fetch("seizure", tmp_path, urls=[f"{site.url}/eeg"], progress=False)
    assert sorted(site.requests) == ["/eeg/O.zip", "/eeg/S.zip"]
    assert contents(folder) == archives


def test_fetches_to_the_variable_or_the_cache(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KERASNETS_DATA", raising=False)
    folder = fetch("seizure", urls=f"{site.url}/eeg", progress=False)
    assert folder == tmp_path / "cache" / "kerasnets" / "seizure" / "bonn"
    monkeypatch.setenv("KERASNETS_DATA", str(tmp_path / "variable"))
    folder = fetch("seizure", urls=f"{site.url}/eeg", progress=False)
    assert folder == tmp_path / "variable" / "seizure" / "bonn"
    assert load_data("seizure").source == str(folder)


def test_a_mirror_that_is_down_is_skipped_for_the_other_files(
    site: Site, archives, tmp_path: Path, monkeypatch
):
    hashes, sizes = FILES["seizure"].sha256, FILES["seizure"].sizes
    with serving(Site(statuses=[404] * 9)) as down:
        bases = (down.url, f"{site.url}/eeg")
        mirrors = [{name: f"{base}/{name}" for name in NAMES} for base in bases]
        monkeypatch.setitem(FILES, "seizure", Files("seizure/bonn", hashes, sizes, mirrors))
        assert contents(fetch("seizure", tmp_path, progress=False)) == archives
        assert set(down.requests) == {"/F.zip"}


def test_the_error_contains_every_failure(site: Site, archives, tmp_path: Path):
    site.files["/corrupt/F.zip"] = archives["F.zip"][:-1] + b"!"
    urls = [f"{site.url}/nothing", f"{site.url}/corrupt", "no-address"]
    with pytest.raises(FetchError) as error:
        fetch("seizure", tmp_path, urls=urls, progress=False)
    message = str(error.value)
    for url, why in zip(urls, ("404", "does not match the known hash", "No scheme"), strict=True):
        (line,) = [line for line in message.splitlines() if f"{url}/" in line.split(": ")[0]]
        assert why in line
    assert "F.zip could not be fetched" in message
    assert "--url" in message


def test_corrupt_content_leaves_nothing_behind(site: Site, archives, tmp_path: Path):
    site.files["/eeg/N.zip"] = archives["N.zip"][:-1] + b"!"
    with pytest.raises(FetchError, match=r"N\.zip could not be fetched"):
        fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)
    assert "N.zip" not in contents(tmp_path / "seizure" / "bonn")
    assert {path.suffix for path in (tmp_path / "seizure" / "bonn").iterdir()} <= {".zip"}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_download_stops_at_the_size_of_the_file(
    site: Site, archives, tmp_path: Path, waits: list[float], chunked: bool
):
    site.chunked = chunked
    site.files["/eeg/F.zip"] = archives["F.zip"] + bytes(50_000_000)
    with pytest.raises(FetchError) as error:
        fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)
    size = len(archives["F.zip"])
    assert f"{site.url}/eeg/F.zip: more than {size:,} bytes, the size of the file" in str(
        error.value
    )
    assert site.requests == ["/eeg/F.zip"]
    assert waits == []
    assert contents(tmp_path / "seizure" / "bonn") == {}


@pytest.mark.parametrize("status", [500, 503])
def test_a_failed_download_is_tried_again(
    site: Site, archives, tmp_path: Path, waits: list[float], status: int
):
    site.statuses = [status, status]
    folder = fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)
    assert contents(folder) == archives
    assert len(site.requests) == len(NAMES) + 2
    assert len(waits) == 2


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("cuts", [1, 2])
def test_a_truncated_response_is_downloaded_again(
    site: Site, archives, tmp_path: Path, chunked: bool, cuts: int
):
    site.chunked = chunked
    site.cut_after = [100] * cuts
    folder = fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)
    assert contents(folder) == archives
    assert len(site.requests) == len(NAMES) + cuts


def test_a_response_that_is_always_truncated_leaves_nothing_behind(site: Site, tmp_path: Path):
    site.cut_after = [100] * 9
    with pytest.raises(FetchError, match="could not be fetched"):
        fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)
    assert len(site.requests) == 3
    assert contents(tmp_path / "seizure" / "bonn") == {}


def test_a_missing_file_is_named_with_its_address(site: Site, tmp_path: Path):
    with pytest.raises(FetchError, match=rf"{site.url}/nothing/F\.zip: 404"):
        fetch("seizure", tmp_path, urls=f"{site.url}/nothing", progress=False)


def test_a_server_that_does_not_respond_is_reported(site: Site, tmp_path: Path):
    with serving(Site()) as gone:
        pass
    with pytest.raises(FetchError, match="refused"):
        fetch("seizure", tmp_path, urls=gone.url, progress=False)


def test_one_progress_bar_per_file(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=True)
    assert capsys.readouterr().err.count("100%") == len(NAMES)


@pytest.mark.parametrize("name", ["siezure", "seizure-simulated"])
def test_data_sets_that_cannot_be_fetched_are_refused(name: str, tmp_path: Path):
    with pytest.raises(
        ValueError, match=f"Unknown data set to fetch '{name}'. Did you mean 'seizure'"
    ):
        fetch(name, tmp_path)


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file; give a folder"):
        fetch("seizure", tmp_path / "file")


def test_the_known_mirrors_have_every_file():
    for files in FILES.values():
        assert len(files.mirrors) >= 2
        for mirror in files.mirrors:
            assert set(mirror) == set(files.sha256) == set(files.sizes)
            assert all(f"/{name}" in url for name, url in mirror.items())


@pytest.mark.real_data
def test_the_checksums_are_those_of_the_published_archives(real_data_dir: Path):
    folder = real_data_dir / FILES["seizure"].folder
    hashes = {
        name: hashlib.sha256(content).hexdigest() for name, content in contents(folder).items()
    }
    assert hashes == FILES["seizure"].sha256
    for files, place in (("seizure", folder), ("mnist", real_data_dir / "mnist")):
        assert {name: (place / name).stat().st_size for name in FILES[files].sizes} == FILES[
            files
        ].sizes
