"""Start ``tensorflow_model_server`` if it is installed, otherwise the test server."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[3]
OFFICIAL = shutil.which("tensorflow_model_server")


@dataclass(frozen=True)
class Server:
    """The addresses of a server."""

    rest: str
    grpc: str


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve the models in the ``models.config`` of a folder while the block runs."""
    with _official(folder) if OFFICIAL else _test_server(folder) as server:
        yield server


@contextlib.contextmanager
def _test_server(folder: Path) -> Iterator[Server]:
    command = [
        sys.executable,
        "-m",
        "tests.exporting.serving.model_server",
        str(folder / "models.config"),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            ports = json.loads(process.stdout.readline())
            assert set(ports["warm"].values()) == {2}
            yield Server(f"http://127.0.0.1:{ports['rest']}", f"grpc://127.0.0.1:{ports['grpc']}")
        finally:
            process.stdin.close()


@contextlib.contextmanager
def _official(folder: Path) -> Iterator[Server]:
    rest, grpc = free_port(), free_port()
    command = [
        *(OFFICIAL, f"--rest_api_port={rest}", f"--port={grpc}", "--enable_batching=true"),
        f"--model_config_file={folder / 'models.config'}",
        f"--batching_parameters_file={folder / 'batching.config'}",
    ]
    url = f"http://127.0.0.1:{rest}"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            # The server accepts connections when every model is loaded.
            for _ in range(600):
                with contextlib.suppress(requests.ConnectionError):
                    requests.get(url, timeout=5)
                    break
                time.sleep(0.1)
            yield Server(url, f"grpc://127.0.0.1:{grpc}")
        finally:
            process.terminate()


def free_port() -> int:
    """A port that no process uses."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])
