"""The verifying process cannot write outside of its folder, and has no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kerasnets.exporting.verification.runtimes import sandbox

PROGRAM = """
import importlib.util, json, os, socket, sys
from pathlib import Path

path, folder, user = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
spec = importlib.util.spec_from_file_location("sandbox", path)
sandbox = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sandbox)
inside, outside = folder / "inside", folder / "outside"
server = socket.create_server(("127.0.0.1", 0))
if user:
    os.setuid(user)
restricted = sandbox.enter(inside, 10)

def attempt(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"

def connect():
    with socket.socket() as stream:
        stream.connect(server.getsockname())

def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"x", ("127.0.0.1", 9))

print(json.dumps({
    "restricted": restricted,
    "write inside": attempt((inside / "new").write_text, "text"),
    "rename inside": attempt((inside / "new").rename, inside / "renamed"),
    "write to /dev/null": attempt(Path(os.devnull).write_text, "text"),
    "read outside": attempt((outside / "old").read_text),
    "create outside": attempt((outside / "new").touch),
    "write outside": attempt((outside / "old").write_text, "text"),
    "remove outside": attempt((outside / "old").unlink),
    "make a folder outside": attempt((outside / "folder").mkdir),
    "connect": attempt(connect),
    "send": attempt(send),
}))
"""


@pytest.mark.parametrize("user", [0, 65534])
def test_the_process_is_restricted(user: int) -> None:
    if user and os.getuid():
        pytest.skip("only root can become another user")
    # Not tmp_path, which only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (folder / "inside", folder / "outside"):
            path.mkdir()
        old = folder / "outside" / "old"
        old.write_text("old")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, sandbox.__file__, name, str(user)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert old.read_text() == "old"
    found = json.loads(done.stdout)
    restricted = found.pop("restricted")
    if set(restricted) != {"time", "files", "network"}:
        pytest.skip(f"the kernel only allows these restrictions: {restricted}")
    refused = {name for name, result in found.items() if result != "done"}
    assert refused == {
        *("create outside", "write outside", "remove outside", "make a folder outside"),
        *("connect", "send"),
    }
