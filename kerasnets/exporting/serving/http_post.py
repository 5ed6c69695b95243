"""One POST request over HTTP with a total deadline and a limit on the size of the response."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_CHUNK = 65536


class ResponseTooLargeError(Exception):
    """The response is larger than the limit."""


@dataclass(frozen=True)
class HttpResponse:
    """The status code, its reason, and the body of a response."""

    status: int
    reason: str
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status code means success."""
        return 200 <= self.status < 300


def post(url: str, body: bytes, timeout: float, max_bytes: int) -> HttpResponse:
    """Send a POST request with JSON.

    The timeouts of ``requests`` apply to each read from the socket, so a server that sends one
    byte at a time is never too slow for them. Here, the request runs in a thread, and at the
    deadline its sockets are shut down, which ends the thread. Redirects are not followed, and the
    response must not be compressed, so that it cannot be larger than what was received.

    Args:
        url: the URL.
        body: the body of the request.
        timeout: seconds for everything: to look up the name of the host, to connect, to send, and
            to receive the whole response.
        max_bytes: the largest body of the response.

    Raises:
        TimeoutError: the response was not complete in time.
        ResponseTooLargeError: the body is larger than ``max_bytes``.
        requests.RequestException: the server cannot be reached, or its response is not HTTP.
    """
    sockets = _Sockets()
    finished: queue.SimpleQueue[HttpResponse | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            finished.put(_exchange(url, body, timeout, max_bytes, sockets.add))
        except Exception as error:  # noqa: BLE001  # raised again in the thread that waits
            finished.put(error)

    threading.Thread(target=work, name="kerasnets-post", daemon=True).start()
    try:
        result = finished.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"no complete response within {timeout:g} s") from None
    finally:
        sockets.shut_down()
    if isinstance(result, Exception):
        raise result
    return result


class _Sockets:
    """The connected sockets of a request, which another thread can shut down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._closed = False

    def add(self, connected: socket.socket) -> None:
        """Add a socket; shut it down if the request has ended already."""
        with self._lock:
            self._sockets.append(connected)
        if self._closed:
            self.shut_down()

    def shut_down(self) -> None:
        """Shut down all sockets, so that reads and writes end."""
        self._closed = True
        with self._lock:
            for connected in self._sockets:
                with contextlib.suppress(OSError):  # it is closed
                    # Not SSLSocket.shutdown, which must not run while another thread reads.
                    socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _exchange(
    url: str,
    body: bytes,
    timeout: float,
    max_bytes: int,
    on_connect: Callable[[socket.socket], None],
) -> HttpResponse:
    """Send the request and receive the response, without a total deadline."""
    import requests
    import urllib3

    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    with requests.Session() as session:
        adapter = _recording_adapter(on_connect)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        with session.post(
            url, data=body, headers=headers, timeout=timeout, stream=True, allow_redirects=False
        ) as response:
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding != "identity":
                raise requests.exceptions.ContentDecodingError(
                    f"the response is compressed ({encoding[:20]}), which was not requested"
                )
            content = bytearray()
            try:
                # Not iter_content, because http.client limits the lines of a chunked response.
                while part := response.raw.read(_CHUNK):
                    content += part
                    if len(content) > max_bytes:
                        raise ResponseTooLargeError
            except urllib3.exceptions.HTTPError as error:
                raise requests.ConnectionError(error) from error
            return HttpResponse(response.status_code, response.reason or "", bytes(content))


def _recording_adapter(on_connect: Callable[[socket.socket], None]) -> Any:
    """An adapter for a session that reports the sockets of its connections."""
    import requests

    class RecordingAdapter(requests.adapters.HTTPAdapter):
        def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
            pool: Any = super().get_connection_with_tls_context(*args, **options)
            plain: Any = pool.ConnectionCls

            class RecordingConnection(plain):
                def connect(self) -> None:
                    super().connect()
                    on_connect(self.sock)

            pool.ConnectionCls = RecordingConnection
            return pool

    return RecordingAdapter()
