from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kerasnets.data import fetch, load_data
from kerasnets.data.download import CHUNK
from kerasnets.data.fetch import FILES, FetchError, Files
from tests.data.conftest import Bonn
from tests.data.serving import Site, serving

NAMES = ("F.zip", "N.zip", "O.zip", "S.zip", "Z.zip")


@pytest.fixture
def archives(bonn: Bonn, tmp_path: Path) -> dict[str, bytes]:
    (tmp_path / "served").mkdir()
    bonn.write_archives(tmp_path / "served")
    return {name: (tmp_path / "served" / name).read_bytes() for name in NAMES}


@pytest.fixture
def site(archives: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A mirror under /eeg of small archives, whose checksums stand in for the published ones."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in archives.items()}
    monkeypatch.setitem(FILES, "seizure", Files("seizure/bonn", hashes, ()))
    with serving(Site({f"/eeg/{name}": content for name, content in archives.items()})) as running:
        yield running


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_fetched_is_found_by_load_data(site: Site, archives, tmp_path: Path):
    folder = fetch("seizure", tmp_path / "data", urls=f"{site.url}/eeg/", progress=False)
    assert folder == tmp_path / "data" / "seizure" / "bonn"
    assert contents(folder) == archives
    dataset = load_data("seizure", tmp_path / "data")
    assert dataset.checksum == load_data("seizure", tmp_path / "served").checksum


def test_what_is_there_is_not_fetched_again(site: Site, archives, tmp_path: Path):
    for _ in range(2):
        fetch("seizure", tmp_path, urls=[f"{site.url}/eeg"], progress=False)
    assert len(site.requests) == len(NAMES)
    (tmp_path / "seizure" / "bonn" / "O.zip").unlink()
    (tmp_path / "seizure" / "bonn" / "S.zip").write_bytes(b"spoilt")
    site.requests.clear()
    folder = fetch("seizure", tmp_path, urls=[f"{site.url}/eeg"], progress=False)
    assert sorted(path for path, _ in site.requests) == ["/eeg/O.zip", "/eeg/S.zip"]
    assert contents(folder) == archives


def test_the_variable_and_the_cache_are_fetched_to(
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


def test_a_mirror_that_is_down_is_passed_over_and_not_asked_again(
    site: Site, archives, tmp_path: Path, monkeypatch
):
    hashes = FILES["seizure"].sha256
    with serving(Site(statuses=[404] * 9)) as down:
        bases = (down.url, f"{site.url}/eeg")
        mirrors = [{name: f"{base}/{name}" for name in NAMES} for base in bases]
        monkeypatch.setitem(FILES, "seizure", Files("seizure/bonn", hashes, mirrors))
        assert contents(fetch("seizure", tmp_path, progress=False)) == archives
        assert len(down.requests) == 1


def test_every_failure_is_named(site: Site, archives, tmp_path: Path):
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
    assert not list(tmp_path.rglob("*.part"))


def test_a_cut_off_fetch_goes_on_with_the_next_call(
    site: Site, archives, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("kerasnets.data.download.ATTEMPTS", 1)
    folder = tmp_path / "seizure" / "bonn"
    first = next(iter(FILES["seizure"].sha256))
    size = len(archives[first])
    site.cut_after = [size // 2]
    with pytest.raises(FetchError):
        fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)
    kept = size // 2 // CHUNK * CHUNK
    assert contents(folder) == {f"{first}.part": archives[first][:kept]}
    assert contents(fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)) == archives
    assert site.requests[1] == (f"/eeg/{first}", f"bytes={kept}-")


def test_a_part_of_another_file_does_not_spoil_the_fetch(site: Site, archives, tmp_path: Path):
    folder = tmp_path / "seizure" / "bonn"
    folder.mkdir(parents=True)
    (folder / "F.zip.part").write_bytes(b"<html>not here any more</html>")
    assert contents(fetch("seizure", tmp_path, urls=f"{site.url}/eeg", progress=False)) == archives
    asked = [span for path, span in site.requests if path == "/eeg/F.zip"]
    assert asked == ["bytes=30-", None]


@pytest.mark.parametrize("name", ["siezure", "seizure-simulated"])
def test_what_is_not_to_be_fetched_is_refused(name: str, tmp_path: Path):
    with pytest.raises(
        ValueError, match=f"Unknown data set to fetch '{name}'. Did you mean 'seizure'"
    ):
        fetch(name, tmp_path)


def test_a_file_for_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file; give a folder"):
        fetch("seizure", tmp_path / "file")


def test_the_known_mirrors_have_every_file():
    for files in FILES.values():
        assert len(files.mirrors) >= 2
        for mirror in files.mirrors:
            assert set(mirror) == set(files.sha256)
            assert all(f"/{name}" in url for name, url in mirror.items())


@pytest.mark.real_data
def test_the_checksums_are_those_of_the_published_archives(real_data_dir: Path):
    folder = real_data_dir / FILES["seizure"].folder
    hashes = {
        name: hashlib.sha256(content).hexdigest() for name, content in contents(folder).items()
    }
    assert hashes == FILES["seizure"].sha256
