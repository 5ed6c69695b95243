from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests

from kerasnets.data.download import ATTEMPTS, CHUNK, ResumingDownloader
from tests.data.serving import Site, serving

CONTENT = np.random.default_rng(0).bytes(300_000)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(files={"/file": CONTENT})) as running:
        yield running


@pytest.fixture
def downloader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResumingDownloader:
    monkeypatch.setattr("kerasnets.data.download.PAUSE", 0.0)
    return ResumingDownloader(tmp_path / "file.part", progress=False)


def ranges(site: Site) -> list[str | None]:
    return [asked for _, asked in site.requests]


def whole_pieces(size: int) -> int:
    return size // CHUNK * CHUNK


def download(downloader: ResumingDownloader, site: Site) -> bytes:
    target = downloader.part.with_name("target")
    downloader(f"{site.url}/file", str(target))
    assert not downloader.part.exists()
    return target.read_bytes()


def test_a_whole_file_in_one_answer(downloader: ResumingDownloader, site: Site):
    assert download(downloader, site) == CONTENT
    assert ranges(site) == [None]
    assert not downloader.resumed


@pytest.mark.parametrize("chunked", [False, True])
def test_a_cut_connection_is_gone_on_with(
    downloader: ResumingDownloader, site: Site, chunked: bool
):
    site.chunked = chunked
    site.cut_after = [100_000, 50_000]
    assert download(downloader, site) == CONTENT
    assert downloader.resumed
    assert len(site.requests) == 3
    if not chunked:  # the server's chunks, when cut off, may be lost whole
        first = whole_pieces(100_000)
        assert ranges(site) == [
            None,
            f"bytes={first}-",
            f"bytes={first + whole_pieces(50_000)}-",
        ]


def test_what_came_is_kept_for_the_next_call(downloader: ResumingDownloader, site: Site):
    site.cut_after = [70_000] * ATTEMPTS
    with pytest.raises(requests.RequestException):
        download(downloader, site)
    kept = ATTEMPTS * whole_pieces(70_000)
    assert downloader.part.read_bytes() == CONTENT[:kept]
    site.cut_after = []
    site.requests.clear()
    assert download(downloader, site) == CONTENT
    assert ranges(site) == [f"bytes={kept}-"]


def test_a_server_without_ranges_starts_anew(downloader: ResumingDownloader, site: Site):
    site.ranges = False
    downloader.part.write_bytes(b"something else" * 10)
    assert download(downloader, site) == CONTENT
    assert len(site.requests) == 1
    assert not downloader.resumed


def test_a_server_that_sends_another_range_is_asked_anew(
    downloader: ResumingDownloader, site: Site
):
    site.wrong_range = True
    downloader.part.write_bytes(CONTENT[:1000])
    assert download(downloader, site) == CONTENT
    assert ranges(site) == ["bytes=1000-", None]


def test_a_whole_part_needs_no_more_bytes(downloader: ResumingDownloader, site: Site):
    downloader.part.write_bytes(CONTENT)
    assert download(downloader, site) == CONTENT
    assert ranges(site) == [f"bytes={len(CONTENT)}-"]
    assert site.sent == []


def test_a_part_longer_than_the_file_is_dropped(downloader: ResumingDownloader, site: Site):
    downloader.part.write_bytes(CONTENT + b"more")
    assert download(downloader, site) == CONTENT
    assert ranges(site) == [f"bytes={len(CONTENT) + 4}-", None]


def test_an_empty_file_is_a_file(downloader: ResumingDownloader, site: Site):
    site.files["/file"] = b""
    assert download(downloader, site) == b""


def test_a_server_that_knows_no_such_range_without_being_asked_for_one(
    downloader: ResumingDownloader, site: Site
):
    site.statuses = [416]
    assert download(downloader, site) == CONTENT


def test_an_empty_part_is_as_good_as_none(downloader: ResumingDownloader, site: Site):
    downloader.part.touch()
    assert download(downloader, site) == CONTENT
    assert ranges(site) == [None]


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_in_trouble_is_asked_again(
    downloader: ResumingDownloader, site: Site, status: int
):
    site.statuses = [status, status]
    assert download(downloader, site) == CONTENT
    assert len(site.requests) == 3


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_not_asked_again(downloader: ResumingDownloader, site: Site, status: int):
    site.statuses = [status] * 9
    downloader.part.write_bytes(CONTENT[:10])
    with pytest.raises(requests.HTTPError, match=str(status)):
        download(downloader, site)
    assert len(site.requests) == 1
    assert downloader.part.read_bytes() == CONTENT[:10]


def test_nobody_there(downloader: ResumingDownloader, site: Site):
    with serving(Site()) as gone:
        pass
    with pytest.raises(requests.ConnectionError):
        downloader(f"{gone.url}/file", str(downloader.part.with_name("target")))


def test_the_bar_goes_on_from_what_is_there(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
):
    downloader = ResumingDownloader(tmp_path / "file.part", progress=True)
    downloader.part.write_bytes(CONTENT[:150_000])
    download(downloader, site)
    shown = capsys.readouterr().err
    assert "file: " in shown
    assert "300k/300k" in shown
    assert shown.lstrip("\r").startswith("file:  50%")
