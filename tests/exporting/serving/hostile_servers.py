"""Servers on 127.0.0.1 that answer slowly, without end, with bombs or with garbage."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

Answer = Callable[[socket.socket], None]
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def rest_server(answer: Answer, *, read: bool = True) -> Iterator[str]:
    """Run a server that reads a request and calls ``answer`` with the connection.

    Args:
        answer: what the server does.
        read: whether it reads the request.
    """

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the listener is closed
                return
            threading.Thread(target=respond, args=(connection,), daemon=True).start()

    def respond(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # the client may close the connection
            if read:
                read_request(connection)
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def read_request(connection: socket.socket) -> None:
    """Read a request with its body, so that closing the connection does not reset it."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = request.partition(b"\r\n\r\n")
    left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) - len(body)
    while left > 0 and (part := connection.recv(65536)):
        left -= len(part)


def reply(body: bytes, headers: bytes = b"", status: bytes = b"200 OK") -> Answer:
    """Answer with a body and its length."""
    head = b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n" % len(body) + headers + b"\r\n"
    return lambda connection: connection.sendall(head + body)


def drip(content: bytes, endless: bytes, seconds: float = 0.1) -> Answer:
    """Answer with some content at once, and then one of the endless bytes at a time."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(content)
        for byte in itertools.cycle(endless):
            connection.sendall(bytes([byte]))
            time.sleep(seconds)

    return answer


def flood(content: bytes, endless: bytes, most: int = 2 * 10**9) -> Answer:
    """Answer with some content and then as much as possible, at most ``most`` bytes."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(content)
        block = endless * (2**20 // len(endless))
        for _ in range(0, most, len(block)):
            connection.sendall(block)

    return answer


def gzip_bomb(megabytes: int) -> bytes:
    """Compressed JSON of this size."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        file.write(b'{"outputs": [')
        for _ in range(megabytes):
            file.write(b"1," * 2**19)
        file.write(b"1]}")
    return buffer.getvalue()


@contextlib.contextmanager
def grpc_server(answer: Callable[[], bytes], *, compress: bool = False) -> Iterator[str]:
    """Run a gRPC server that answers every call with the bytes of ``answer``."""
    import grpc

    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: object) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(lambda request, context: answer())

    unlimited = [("grpc.max_send_message_length", -1)]
    server = grpc.server(
        ThreadPoolExecutor(2),
        handlers=[Handler()],
        options=unlimited,
        compression=grpc.Compression.Gzip if compress else None,
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
