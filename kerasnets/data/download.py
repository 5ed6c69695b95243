"""A downloader for pooch that goes on where an earlier one was cut off."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm

CHUNK = 8 * 1024  # bytes; what came of a piece before a cut is lost
ATTEMPTS = 4
PAUSE = 1.0  # seconds before the second attempt; doubled before each further one
_TIMEOUT = (15, 60)  # seconds to connect, and between two pieces of the answer


class CutOffError(requests.ConnectionError):
    """The answer did not fit the part already here, or was not whole. Asking again may help."""


class ResumingDownloader:
    """Download over HTTP into a part file that outlives the process; pooch's own starts anew.

    Where a part file is there, only the rest is asked for. A server that sends everything all the
    same is taken at its word, and so is one that sends another range than was asked for: the part
    is dropped. What comes together is not checked here; pooch knows the checksum.

    Attributes:
        resumed: whether the last download was put together from several answers.
    """

    def __init__(self, part: Path, *, progress: bool = True) -> None:
        """Set up a downloader.

        Args:
            part: where to keep what came so far.
            progress: whether to show a bar.
        """
        self.part = part
        self.progress = progress
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch: Any = None) -> None:
        """Download a file; the signature is pooch's.

        Raises:
            requests.RequestException: if the server refuses, or every attempt was cut off; what
                came so far is kept.
        """
        self.resumed = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._attempt(url)
                break
            except requests.RequestException as error:
                if attempt == ATTEMPTS or _hopeless(error):
                    raise
            time.sleep(PAUSE * 2 ** (attempt - 1))
        self.part.replace(output_file)

    def _attempt(self, url: str) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        # Ranges count bytes of what is sent, so nothing may be compressed on the way.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            start, total = self._range(answer, have)
            if have and have == total == start:
                return
            self.resumed = self.resumed or start > 0
            self._write(answer, start, total)
        size = self.part.stat().st_size
        if total is not None and size != total:
            raise CutOffError(f"{size} of {total} bytes came from {url}")

    def _range(self, answer: requests.Response, have: int) -> tuple[int, int | None]:
        """Where the answer starts, and how long the whole file is, if the server says."""
        span = answer.headers.get("Content-Range", "")
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            whole = re.fullmatch(r"bytes \*/(\d+)", span)
            if whole and int(whole[1]) == have:
                self.resumed = True
                return have, have
            self.part.unlink(missing_ok=True)
            raise CutOffError(f"{answer.url} has nothing from byte {have} on; starting anew")
        answer.raise_for_status()
        if answer.status_code == requests.codes.partial_content:
            match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", span)
            if not match or int(match[1]) != have:
                self.part.unlink(missing_ok=True)
                raise CutOffError(f"{answer.url} sent the range {span!r} for byte {have} on")
            return have, None if match[2] == "*" else int(match[2])
        length = answer.headers.get("Content-Length")
        return 0, int(length) if length else None

    def _write(self, answer: requests.Response, start: int, total: int | None) -> None:
        bar = tqdm(
            desc=self.part.name.removesuffix(".part"),
            initial=start,
            total=total,
            unit="B",
            unit_scale=True,
            disable=not self.progress,
        )
        with bar, self.part.open("ab" if start else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _hopeless(error: requests.RequestException) -> bool:
    """Whether asking again will not help: no proper address, or a status of 400 to 499."""
    refused = error.response is not None and 400 <= error.response.status_code < 500
    return refused or isinstance(error, ValueError)  # requests' own for malformed addresses
