"""A server of exported nets: ``tensorflow_model_server`` where it is found, else our stand-in."""

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
    """Where it listens."""

    rest: str
    grpc: str


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve what ``models.config`` in a folder names, warmed up, while the block runs."""
    with _official(folder) if OFFICIAL else _stand_in(folder) as server:
        yield server


@contextlib.contextmanager
def _stand_in(folder: Path) -> Iterator[Server]:
    words = [
        sys.executable,
        "-m",
        "tests.exporting.serving.model_server",
        str(folder / "models.config"),
    ]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
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
    words = [
        *(OFFICIAL, f"--rest_api_port={rest}", f"--port={grpc}", "--enable_batching=true"),
        f"--model_config_file={folder / 'models.config'}",
        f"--batching_parameters_file={folder / 'batching.config'}",
    ]
    url = f"http://127.0.0.1:{rest}"
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        try:
            # The server listens once every model is loaded.
            for _ in range(600):
                with contextlib.suppress(requests.ConnectionError):
                    requests.get(url, timeout=5)
                    break
                time.sleep(0.1)
            yield Server(url, f"grpc://127.0.0.1:{grpc}")
        finally:
            process.terminate()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])
