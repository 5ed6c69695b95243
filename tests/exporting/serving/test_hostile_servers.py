"""The client with servers that never finish, send too much, or send garbage."""

from __future__ import annotations

import gc
import json
import resource
import socket
import threading
import time

import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from kerasnets._lazy import tf
from kerasnets.exporting import ServerError, predict
from tests.exporting.serving import hostile_servers as servers

ROWS = {"x": np.zeros((2, 3), "float32")}
LIMIT = 100_000


def ask(address: str, **options: object) -> dict[str, np.ndarray]:
    return predict(address, "net", ROWS, **{"timeout": 5, "max_response_bytes": LIMIT} | options)


def outputs(value: object) -> bytes:
    return json.dumps({"outputs": value}).encode()


CHUNKED = servers.HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "status line": servers.drip(b"", b"H"),
    "header": servers.drip(servers.HEADERS, b"X"),
    "headers": servers.drip(servers.HEADERS, b"X: y\r\n", 0.01),
    "continue": servers.drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.002),
    "body": servers.drip(servers.HEADERS + b"Content-Length: 99999\r\n\r\n", b" "),
    "body without length": servers.drip(servers.HEADERS + b"\r\n", b" "),
    "chunk size": servers.drip(CHUNKED, b"0"),
    "chunks": servers.drip(CHUNKED, b"1\r\n \r\n", 0.01),
    "trailer": servers.drip(CHUNKED + b"0\r\n", b"X: y\r\n", 0.01),
    "silence": lambda connection: time.sleep(5),
}


@pytest.mark.parametrize("part", ENDLESS)
def test_a_slow_server_ends_at_the_deadline(part: str) -> None:
    with servers.rest_server(ENDLESS[part]) as address:
        start = time.monotonic()
        with pytest.raises(ServerError, match=r"127\.0\.0\.1:\d+/v1/models/net:predict") as raised:
            ask(address, timeout=0.3)
        assert time.monotonic() - start < 2
    assert "did not answer within 0.3 s" in str(raised.value)


def test_no_thread_or_socket_is_left_after_the_deadline() -> None:
    with servers.rest_server(ENDLESS["header"]) as address:
        for _ in range(3):
            with pytest.raises(ServerError):
                ask(address, timeout=0.1)
        for _ in range(50):
            left = [thread for thread in threading.enumerate() if thread.name == "kerasnets-post"]
            if not left:
                break
            time.sleep(0.1)
    assert left == []
    # A socket that is not closed would be a ResourceWarning, which is an error.
    gc.collect()


FLOODS = {
    "body": servers.flood(servers.HEADERS + b"\r\n", b" "),
    "chunks": servers.flood(CHUNKED, b"400\r\n" + b" " * 1024 + b"\r\n"),
    "one chunk": servers.flood(CHUNKED + b"fffffffff\r\n", b" "),
    "chunk size": servers.flood(CHUNKED, b"0"),
    "header": servers.flood(servers.HEADERS + b"X: ", b"y"),
    "headers": servers.flood(servers.HEADERS, b"X: y\r\n"),
}


@pytest.mark.parametrize("part", FLOODS)
def test_a_response_without_end_is_not_stored(part: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with servers.rest_server(FLOODS[part]) as address, pytest.raises(ServerError) as raised:
        ask(address)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    if part in ("body", "chunks", "one chunk"):
        assert "it is larger than max_response_bytes, 100,000" in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (servers.reply(b""), "invalid response: it is not JSON with outputs: ''"),
        (servers.reply(b"<html>\x1b[31mno\n</html>", b"Content-Type: text/html\r\n"), "<html> "),
        (servers.reply(b"[1, 2]"), r"it is not JSON with outputs: '\[1, 2\]'"),
        (servers.reply(b"[" * 50_000), r"it is not JSON with outputs: '\[\[\["),
        (servers.reply(b'{"outputs": {}}'), "it has no outputs"),
        (servers.reply(b'{"outputs": null}'), "not an even array of one type, but has NoneType"),
        (servers.reply(outputs([[1], [2, 3]])), "not an even array of one type, but has list"),
        (servers.reply(outputs([1, {"a": 2}])), "not an even array of one type, but has dict, int"),
        (servers.reply(outputs([1, "a"])), "not an even array of one type, but has int, str"),
        (servers.reply(outputs([10**30, 1])), "has a number of more than 64 bits"),
        (servers.reply(outputs([1, 2, 3])), r"has shape \(3,\) for 2 examples"),
        (servers.reply(outputs(5)), r"has shape \(\) for 2 examples"),
        (servers.reply(outputs(["a" * 20_000, "b"])), "array of 160,000 bytes"),
        (servers.reply(b'{"outputs": [1' + b"0" * 5000 + b", 2]}"), "not JSON with outputs"),
        (servers.reply(b'{"error": "\x07bad"}', status=b"400 Bad"), "answered 400: "),
        (servers.reply(b"", status=b"503 Try again"), "answered 503: Try again"),
        (servers.reply(b"", b"Location: http://127.0.0.1:1/\r\n", b"302 Found"), "answered 302: F"),
        (
            servers.reply(servers.gzip_bomb(1), b"Content-Encoding: gzip\r\n"),
            r"the response is compressed \(gzip\), which was not requested",
        ),
        (lambda connection: connection.sendall(b"SSH-2.0-server\r\n"), "cannot be reached"),
        (lambda connection: connection.close(), "cannot be reached"),
        (lambda c: c.sendall(servers.HEADERS + b"Content-Length: 9\r\n\r\n12"), "cannot be"),
    ],
)
def test_an_invalid_response_is_one_clear_error(answer: servers.Answer, message: str) -> None:
    with (
        servers.rest_server(answer) as address,
        pytest.raises(ServerError, match=message) as raised,
    ):
        ask(address)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1000


def test_a_request_that_the_server_does_not_read_is_an_error() -> None:
    rows = {"x": np.zeros((300, 10_000), "float32")}  # more than the buffers of the sockets
    with (
        servers.rest_server(lambda connection: None, read=False) as address,
        pytest.raises(ServerError, match="cannot be reached"),
    ):
        predict(address, "net", rows, timeout=5)


def test_a_server_without_tls_is_an_error() -> None:
    with servers.rest_server(servers.reply(b"{}"), read=False) as address:
        with pytest.raises(ServerError, match="cannot be reached"):
            ask(address.replace("http", "https"))
        with pytest.raises(ServerError, match=r"UNAVAILABLE|DEADLINE_EXCEEDED"):
            ask(address.replace("http", "grpcs"), timeout=1)


def test_the_password_in_an_address_is_sent_but_not_shown() -> None:
    requests = []

    def answer(connection: socket.socket) -> None:
        requests.append(connection.recv(65536))
        servers.reply(b"garbage")(connection)

    with (
        servers.rest_server(answer, read=False) as address,
        pytest.raises(ServerError) as raised,
    ):
        ask(address.replace("//", "//me:secret@"))
    assert b"Authorization: Basic bWU6c2VjcmV0" in requests[0]  # Base64 of me:secret
    assert "secret" not in str(raised.value)
    with pytest.raises(ServerError) as raised:
        ask("http://me:secret@127.0.0.1:1")
    assert "secret" not in str(raised.value)


def test_numbers_text_and_truth_values_are_read() -> None:
    reply = outputs({"i": [1, 2], "f": [[1, 2.5], [3, 4]], "s": ["a", "µV"], "b": [True, False]})
    with servers.rest_server(servers.reply(reply)) as address:
        got = ask(address)
    assert {name: array.dtype.str for name, array in got.items()} == {
        "i": "<i8",
        "f": "<f8",
        "s": "<U2",
        "b": "|b1",
    }
    assert got["f"].tolist() == [[1, 2.5], [3, 4]]


def response(**arrays: object) -> bytes:
    message = predict_pb2.PredictResponse()
    for name, array in arrays.items():
        message.outputs[name].CopyFrom(array)
    return message.SerializeToString()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"garbage", "it is not a PredictResponse"),
        (b"", "it has no outputs"),
        (response(y=tf.make_tensor_proto(1.0, shape=(10**8,))), "array of 400,000,000 bytes"),
        (response(y=tf.make_tensor_proto(1.0, shape=(3,))), r"has shape \(3,\) for 2 examples"),
        (b"\n" * 2 * LIMIT, "RESOURCE_EXHAUSTED: .*larger than max"),
    ],
)
def test_an_invalid_grpc_response_is_one_clear_error(content: bytes, message: str) -> None:
    with (
        servers.grpc_server(lambda: content) as address,
        pytest.raises(ServerError, match=message),
    ):
        ask(address)


def test_a_compressed_grpc_response_is_not_expanded() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        servers.grpc_server(lambda: bytes(50_000_000), compress=True) as address,
        pytest.raises(ServerError, match=r"UNIMPLEMENTED|INTERNAL|RESOURCE_EXHAUSTED"),
    ):
        ask(address)
    # The server makes 50 MB itself, in the same process.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_slow_grpc_server_ends_at_the_deadline() -> None:
    with servers.grpc_server(lambda: time.sleep(2) or b"") as address:
        start = time.monotonic()
        with pytest.raises(ServerError, match="DEADLINE_EXCEEDED"):
            ask(address, timeout=0.3)
        assert time.monotonic() - start < 1.5


def test_a_port_that_does_not_speak_grpc_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"grpc://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ServerError, match=r"DEADLINE_EXCEEDED|UNAVAILABLE"):
            ask(address, timeout=0.5)


def test_the_limit_of_the_response_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_response_bytes must be at least 1; got 0"):
        ask("http://127.0.0.1:1", max_response_bytes=0)
