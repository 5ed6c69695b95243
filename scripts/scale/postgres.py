"""A PostgreSQL server of its own in a temporary folder, for tests and demonstrations.

    with server() as address:   # postgresql://tester:PASSWORD@127.0.0.1:PORT/postgres
        …

It uses the programs of Debian's package ``postgresql``. PostgreSQL refuses to run as root; then it
runs as the user ``nobody``.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER, PASSWORD = "tester", "pass-word%21"  # the password of the server is pass-word!
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # the data need not survive the machine
    "max_connections": "200",
}


class NoServerError(RuntimeError):
    """PostgreSQL is not installed."""


def programs() -> Path:
    """The folder with ``initdb`` and ``pg_ctl``.

    Raises:
        NoServerError: if there is none.
    """
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if folders:
        return folders[-1].parent
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    raise NoServerError("PostgreSQL is not installed: apt-get install postgresql")


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run a server while the block runs.

    Yields:
        Its address, with a password that contains a special character.

    Raises:
        NoServerError: if PostgreSQL is not installed.
    """
    bin_folder = programs()
    folder = Path(tempfile.mkdtemp(prefix="kerasnets-postgres-"))
    data = folder / "data"
    owner = _other_user()
    try:
        password = folder / "password"
        password.write_text("pass-word!", encoding="utf-8")
        if owner is not None:
            for path in (folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        initialize = [
            bin_folder / "initdb", "-D", data, "-U", USER, "--pwfile", password, "-A",
            "scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C",
        ]  # fmt: skip
        _run(initialize, folder, owner)
        port = _free_port()
        settings = {**_OPTIONS, "port": str(port), "unix_socket_directories": str(folder)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = folder / "log"
        control = [bin_folder / "pg_ctl", "-D", data, "-l", log, "-w"]
        _run([*control, "-o", options, "start"], folder, owner)
        try:
            yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], folder, owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _run(command: list[object], folder: Path, owner: pwd.struct_passwd | None) -> None:
    user = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid}
    ended = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False, **user
    )
    if ended.returncode:
        raise RuntimeError(f"{command[0]} failed: {ended.stderr or ended.stdout}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
