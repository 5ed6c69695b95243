"""A second Python process for work that needs no TensorFlow.

TensorFlow takes seconds to import. Meanwhile the worker imports pandas and reads the data, so a
command does not wait for both. When the training ends, the worker draws the figures while the main
process saves the model. Without a running worker, :func:`submit` runs the work at once in the same
process, with the same result.

The command line starts a worker. The Python API does not, because it is often called many times in
a process that has everything imported.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class WorkerEndedError(RuntimeError):
    """The worker process ended before its work was done."""


class _Worker:
    """The process, and a thread that writes requests to it and reads its answers in order."""

    def __init__(self) -> None:
        # The worker must import the same copy of this package.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.requests: Any = self.process.stdin
        self.answers: Any = self.process.stdout
        self.thread = ThreadPoolExecutor(1)

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        return self.thread.submit(self._call, function, args)

    def _call(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        try:
            pickle.dump((function.__module__, function.__qualname__, args), self.requests, 5)
            self.requests.flush()
            done, result = pickle.load(self.answers)  # noqa: S301  from our own process
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            code = self.process.wait()
            raise WorkerEndedError(
                f"the process for {function.__name__} ended with exit code {code}. It may have run "
                "out of memory."
            ) from error
        if not done:
            raise result
        return result

    def stop(self) -> None:
        self.process.kill()  # ends at once, also if a call is still running
        self.thread.shutdown()
        with contextlib.suppress(OSError):
            self.requests.close()
        self.process.wait()
        self.answers.close()


_running: _Worker | None = None
_in_worker = False  # whether this process is the worker


@contextlib.contextmanager
def worker() -> Iterator[None]:
    """Run a worker during the block. At its end, calls that are still running are dropped."""
    global _running
    _running = started = _Worker()
    try:
        yield
    finally:
        _running = None
        started.stop()


def submit(function: Callable[..., T], *args: Any) -> Future[T]:
    """Call a function in the worker, or at once if none is running.

    Args:
        function: a function of a module, which the worker imports by name.
        args: its arguments. They and the result are pickled.

    Returns:
        A future. Its ``result()`` returns what the function returns, or raises its error.
    """
    if _running is not None:
        return _running.submit(function, *args)
    future: Future[T] = Future()
    try:
        future.set_result(function(*args))
    except Exception as error:  # noqa: BLE001  result() raises it
        future.set_exception(error)
    return future


@contextlib.contextmanager
def at_the_same_time() -> Iterator[Callable[..., None]]:
    """Yield a function that runs calls beside the block: in the worker, each in a copy of it.

    The worker has no TensorFlow and no other Python threads, so it can be forked. In any other
    process, the calls run at once.

    Yields:
        A function that takes a function and its arguments.

    Raises:
        Exception: at the end of the block, the first error of the calls.
    """
    copies: list[tuple[Any, Any]] = []

    def run(function: Callable[..., object], *args: Any) -> None:
        call = functools.partial(function, *args)
        if _in_worker:
            copies.append(_run_in_copy(call))
        else:
            call()

    try:
        yield run
    finally:
        answers = [_wait(*copy) for copy in copies]
    for done, error in answers:
        if not done:
            raise error


def _run_in_copy(call: Callable[[], object]) -> tuple[Any, Any]:
    """Start a copy of this process that runs a call; return it and the pipe of its answer."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(try_call(call)), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def _wait(process: Any, receiver: Any) -> tuple[bool, Any]:
    """The answer of a copy."""
    try:
        answer: tuple[bool, Any] = receiver.recv()
    except EOFError:
        process.join()
        return False, WorkerEndedError(f"a process ended with exit code {process.exitcode}.")
    process.join()
    return answer


def preload(modules: Sequence[str]) -> None:
    """Import modules in the worker. Without a worker, they are imported when they are needed."""
    if _running is not None:
        _running.submit(_import, modules)


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


def _serve() -> None:
    """Answer requests until the main process closes the pipe or ends."""
    global _in_worker
    _in_worker = True
    # Ctrl-C reaches the main process too, which then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # prints must not get between the answers
    while True:
        try:
            module, name, args = pickle.load(requests)  # noqa: S301  from our own process
        except EOFError:
            return
        pickle.dump(_answer(module, name, args), answers, 5)
        answers.flush()


def _answer(module: str, name: str, args: tuple[Any, ...]) -> tuple[bool, Any]:
    return try_call(lambda: getattr(importlib.import_module(module), name)(*args))


def try_call(call: Callable[[], object]) -> tuple[bool, Any]:
    """Return ``True`` and the result of a call, or ``False`` and its error, for another process.

    An error that cannot be pickled is replaced by one with the same text.
    """
    try:
        return True, call()
    except Exception as error:  # noqa: BLE001  the caller raises it
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301
        except Exception:  # noqa: BLE001  pickling can fail with any error
            return False, RuntimeError(f"{type(error).__name__}: {error}")
        return False, error


if __name__ == "__main__":
    # As the module that others import, not as the copy named __main__.
    importlib.import_module("kerasnets._worker")._serve()
