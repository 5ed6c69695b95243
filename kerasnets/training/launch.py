"""Train with several local processes, and start them again if one of them is lost."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO

from kerasnets._errors import WORKER_LOST, WorkFailedError

_GRACE = 60.0  # seconds in which the other processes notice that one has ended
_POLL = 0.1
_TERMINATED = 143  # exit code of a process that ended by SIGTERM


def launch(arguments: Sequence[str], processes: int, restarts: int = 3) -> None:
    """Run a training on several local processes.

    If a process is killed, all are started again. They go on after the last saved epoch.

    Args:
        arguments: of the command line: ``train`` and its arguments.
        processes: number of workers, at least 2.
        restarts: largest number of times to start them again.

    Raises:
        ValueError: if an argument is wrong; the processes say why.
        WorkFailedError: if the training fails, or is lost too often.
    """
    if processes < 2:
        raise ValueError(f"launch needs at least 2 processes, got {processes}.")
    if restarts < 0:
        raise ValueError(f"The number of restarts must be at least 0, got {restarts}.")
    if list(arguments[:1]) != ["train"]:
        raise ValueError(
            "launch runs a training, such as: kerasnets launch -n 2 train NET --out FOLDER."
        )
    for flag in ("--workers", "--index"):
        if any(argument.partition("=")[0] == flag for argument in arguments):
            raise ValueError(f"launch sets {flag} itself: leave it out.")
    for attempt in range(restarts + 1):
        codes = _run_once(arguments, processes)
        if not any(codes):
            return
        lost = {code for code in codes if code in (WORKER_LOST, _TERMINATED) or code < 0}
        if other := sorted(set(codes) - lost - {0}):
            kind = ValueError if other[-1] == 2 else WorkFailedError
            raise kind(f"The training ended with exit code {other[-1]}; see the messages above.")
        if attempt < restarts:
            print(
                f"a worker was lost; start {attempt + 2} of at most {restarts + 1}", file=sys.stderr
            )
    raise WorkFailedError(
        f"A worker was lost {restarts + 1} times. The same command resumes after the last epoch."
    )


def _run_once(arguments: Sequence[str], processes: int) -> list[int]:
    """Run all processes to their end, and return their exit codes."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(processes))
    command = [sys.executable, "-P", "-m", "kerasnets", *arguments, "--workers", addresses]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    readers = []
    with _ended() as started:
        for index in range(processes):
            process = subprocess.Popen(
                [*command, "--index", str(index)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=None if index == 0 else subprocess.DEVNULL,
                stderr=None if index == 0 else subprocess.PIPE,
                text=True,
            )
            started.append(process)
            if process.stderr is not None:
                readers.append(threading.Thread(target=_forward, args=(process.stderr, index)))
                readers[-1].start()
        _wait(started)
    for reader in readers:
        reader.join()
    return [process.wait() for process in started]


def _wait(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until all processes have ended, or until some time after one has failed."""
    deadline = float("inf")
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        if deadline == float("inf") and any(process.poll() for process in processes):
            deadline = time.monotonic() + _GRACE
        time.sleep(_POLL)


@contextlib.contextmanager
def _ended() -> Iterator[list[subprocess.Popen[str]]]:
    """Yield a list of processes, which are ended with the block, also after Ctrl-C."""
    processes: list[subprocess.Popen[str]] = []
    try:
        yield processes
    except KeyboardInterrupt:
        # So that the first one saves its last epoch and says how to resume.
        for process in processes:
            process.terminate()
        _wait_all(processes, _GRACE)
        raise
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_all(processes: Sequence[subprocess.Popen[str]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))


def _forward(messages: IO[str], index: int) -> None:
    """Print the messages of another worker with its index."""
    with messages:
        for line in messages:
            print(f"[worker {index}] {line}", end="", file=sys.stderr)


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that no process listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
