"""Run commands of kerasnets in child processes, and disturb them at a chosen write.

Importing TensorFlow takes seconds. So it is imported once, but not used, and each command runs in a
process that is forked from this one: a real process, with real signals and files.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_NEED_SPACE = ("os.rename", "os.mkdir")
_FREE_SPACE = ("os.remove", "os.rmdir", "os.truncate")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: the exit code; negative if a signal killed it.
        errors: what it wrote to standard error.
        writes: number of writes until then.
        seconds: how long it ran.
    """

    code: int
    errors: str
    writes: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Disturbance:
    """What happens before the n-th write below the working directory.

    A write is a file that is opened for writing, and each fsync, rename, removal and new folder.

    Attributes:
        at_write: which write, from 1; 0 for none.
        act: called before that write.
        forever: also call it before all later writes.
        removals: whether removals count as writes. A full disk does not prevent them.
    """

    at_write: int = 0
    act: Callable[[], None] = lambda: None
    forever: bool = False
    removals: bool = True


class _Observer:
    """Counts the writes of this process, and disturbs them."""

    def __init__(self, folder: Path, disturbance: Disturbance, report: int) -> None:
        """Prepare the observer.

        Args:
            folder: the working directory.
            disturbance: what happens at which write.
            report: a file descriptor that gets one byte per write.
        """
        self.folder, self.disturbance = str(folder), disturbance
        self.events = _NEED_SPACE + (_FREE_SPACE if disturbance.removals else ())
        self.report, self.count = report, 0

    def start(self) -> None:
        """Observe this process from now on."""
        sys.addaudithook(self._audit)
        fsync = os.fsync

        def counted_fsync(descriptor: int) -> None:
            self._write()
            fsync(descriptor)

        os.fsync = counted_fsync

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not flags & _WRITING:
                return
        elif event in self.events:
            path = arguments[0]
        else:
            return
        # Relative paths are below the working directory, which is the folder.
        if isinstance(path, str | bytes | os.PathLike):
            path = os.fsdecode(path)
            if not path.startswith("/") or path.startswith(self.folder):
                self._write()

    def _write(self) -> None:
        self.count += 1
        os.write(self.report, b".")
        number = self.disturbance.at_write
        if self.count == number or (self.disturbance.forever and self.count > number > 0):
            self.disturbance.act()


def run(
    command: Sequence[str],
    folder: Path,
    *,
    prepare: Callable[[], None] = lambda: None,
    disturbance: Disturbance | None = None,
    after: float | None = None,
    signal_number: int = 0,
    timeout: float = 300,
) -> Ended:
    """Run a command of kerasnets in a child process whose working directory is a folder.

    Args:
        command: the arguments after ``kerasnets``.
        folder: the working directory.
        prepare: called in the child first.
        disturbance: what happens in the child at which write.
        after: send ``signal_number`` after these seconds; ``None`` to send none.
        signal_number: the signal to send.
        timeout: seconds after which the child is killed and a ``TimeoutError`` raised.
    """
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        child = os.fork()
        if child == 0:
            os.close(reader)
            observer = _Observer(folder, disturbance or Disturbance(), writer)
            _child(command, folder, prepare, observer, output)
        os.close(writer)
        try:
            status = _wait(child, started, after, signal_number, timeout)
        finally:
            writes = _count(reader)
        output.seek(0)
        errors = output.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, errors, writes, time.perf_counter() - started)


def _wait(
    child: int, started: float, after: float | None, signal_number: int, timeout: float
) -> int:
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        seconds = time.perf_counter() - started
        if after is not None and seconds >= after:
            os.kill(child, signal_number)
            after = None
        if seconds > timeout:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise TimeoutError(f"the command did not end within {timeout} s")
        time.sleep(0.002)


def _count(reader: int) -> int:
    with os.fdopen(reader, "rb") as file:
        return len(file.read())


def _child(
    command: Sequence[str],
    folder: Path,
    prepare: Callable[[], None],
    observer: _Observer,
    output: Any,
) -> None:
    """Run the command and end the process."""
    code = 70
    try:
        os.dup2(output.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.chdir(folder)
        # A shell that runs this in the background may ignore Ctrl-C, and children inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from kerasnets.cli import main

        prepare()
        observer.start()
        code = main(command)
    except KeyboardInterrupt:  # before the command has started
        code = 130
    except BaseException:  # noqa: BLE001  # the parent reports it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def import_all() -> None:
    """Import what the commands use, so that each child starts at once; TensorFlow does not run."""
    from kerasnets._lazy import import_tensorflow

    import_tensorflow()
    import tf2onnx  # noqa: F401

    __import__("kerasnets.cli")
    for name in ("train", "export", "search", "reproduce", "data"):
        __import__(f"kerasnets.commands.{name}")
    __import__("kerasnets.studies.search")
    __import__("kerasnets.training.callbacks")
    import kerasnets as kn
    from kerasnets.training.report import IMPORTS

    for name in IMPORTS:
        __import__(name)
    kn.list_nets()
    kn.load_data("digits")  # imports all loaders
