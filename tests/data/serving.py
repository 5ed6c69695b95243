"""A local web server that can fail in the same ways as real servers."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Site:
    """The files of a server, and the failures it simulates.

    Attributes:
        files: content by path.
        cut_after: number of bytes after which it closes the connection, one entry per response.
            Later responses are complete.
        chunked: whether it sends a body without its length.
        statuses: status codes of the first responses.
        requests: path of every request.
        url: address of the running server, without a slash at the end.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    chunked: bool = False
    statuses: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve on a free port of this machine; ``site.url`` is its address."""
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
        self.site.requests.append(self.path)
        content = self.site.files.get(self.path)
        if self.site.statuses:
            self._send_status(self.site.statuses.pop(0))
        elif content is None:
            self._send_status(404)
        else:
            self._send(content)

    def _send(self, content: bytes) -> None:
        body = content[: self.site.cut_after.pop(0)] if self.site.cut_after else content
        self.close_connection = len(body) < len(content)
        self.send_response(200)
        if self.site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            end = b"" if self.close_connection else b"0\r\n\r\n"
            body = b"%x\r\n%s\r\n%s" % (len(body), body, end)
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(body)

    def _send_status(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""
