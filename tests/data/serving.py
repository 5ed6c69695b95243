"""A local web server that behaves, or misbehaves in the ways of real ones."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Site:
    """What a server holds and how it behaves.

    Attributes:
        files: content by path.
        ranges: whether it knows ``Range``.
        cut_after: bytes of a body after which it hangs up, one entry an answer; then no more.
        wrong_range: whether it sends the range from the byte before the one it was asked for.
        chunked: whether it sends a body without saying its length.
        statuses: status codes to answer with before anything else.
        requests: path and ``Range`` of every request that came.
        sent: bytes of every body that was sent.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    wrong_range: bool = False
    chunked: bool = False
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve on a free port of this machine; ``site.url`` is its address, without a slash."""
    handler = type("Handler", (_Handler,), {"site": site})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site = self.site
        asked = self.headers.get("Range")
        site.requests.append((self.path, asked))
        content = site.files.get(self.path)
        if site.statuses:
            self._empty(site.statuses.pop(0))
        elif content is None:
            self._empty(404)
        else:
            self._send(content, asked if site.ranges else None)

    def _send(self, content: bytes, asked: str | None) -> None:
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        if asked and start >= len(content):
            self._empty(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        start -= bool(asked and self.site.wrong_range)
        body = content[start:]
        self.send_response(206 if asked else 200)
        if asked:
            last = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        if self.site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._write(body)

    def _write(self, body: bytes) -> None:
        whole = len(body)
        if self.site.cut_after:
            body = body[: self.site.cut_after.pop(0)]
        if self.site.chunked:
            end = b"0\r\n\r\n" if len(body) == whole else b""
            self.wfile.write(b"%x\r\n%s\r\n%s" % (len(body), body, end))
        else:
            self.wfile.write(body)
        self.site.sent.append(len(body))
        self.close_connection = len(body) < whole

    def _empty(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
