"""The command ``kerasnets``. It parses arguments and calls the package, nothing else.

Each subcommand is a module of :mod:`kerasnets.commands`. Only the requested one is imported, so
``kerasnets --help`` is fast.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType

import kerasnets
from kerasnets._errors import WorkFailedError, WriteError
from kerasnets._files import full_disk
from kerasnets._lazy import skip_optional_imports

# Exit codes. 0 means success.
FAILED, WRONG_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143

COMMANDS = {
    "nets": "list the networks, their sources and parameters",
    "data": "describe a data set and plot examples, or download it",
    "train": "train a network, evaluate it, and write a run folder",
    "predict": "write the predictions of a trained net for new data as CSV",
    "evaluate": "evaluate a trained network again",
    "profile": "count parameters, MACs and FLOPs per layer",
    "export": "write a verified SavedModel and ONNX file",
    "verify": "compare exported files with the outputs of Keras",
    "trees": "grow decision trees with many settings, and recommend one",
    "principles": "show effects of activation, initial weights and order on small nets",
    "search": "find the settings with the best validation score",
    "reproduce": "repeat the course reports S1–S5, and compare their claims with our results",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after ``kerasnets``. Default: those of the process.

    Returns:
        The exit code: 0 success, 1 the work failed, 2 wrong input, 130 interrupted by Ctrl-C,
        143 terminated by SIGTERM, for example when a container is stopped.
    """
    if argv is None:
        skip_optional_imports()  # the process belongs to this command
    args = sys.argv[1:] if argv is None else list(argv)
    try:
        with _terminated_like_ctrl_c():
            arguments = _make_parser(args).parse_args(args)
            arguments.command(arguments)
            sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        terminated = isinstance(interrupt, _Terminated)
        text = str(interrupt) or ("terminated" if terminated else "interrupted")
        return _fail(text, TERMINATED if terminated else INTERRUPTED)
    except WorkFailedError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        _discard_output()
        return FAILED
    except OSError as error:
        if (reason := full_disk(error)) is None:
            return _fail(str(error), WRONG_INPUT)
        what = error.filename or "The output or a temporary file"
        _discard_output()
        return _fail(str(WriteError(what, reason)), FAILED)
    except (ValueError, ImportError) as error:
        return _fail(str(error), WRONG_INPUT)
    return 0


class _Terminated(KeyboardInterrupt):
    """The process received SIGTERM. It ends as after Ctrl-C, so that the last epoch is saved."""


@contextlib.contextmanager
def _terminated_like_ctrl_c() -> Iterator[None]:
    def terminate(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _discard_output() -> None:
    """Let Python flush to nowhere at its exit, because standard output cannot be written."""
    with contextlib.suppress(OSError, ValueError):  # it is not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int) -> int:
    print(f"kerasnets: {message}", file=sys.stderr)
    return code


def _make_parser(args: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kerasnets",
        description="Small networks you can trust: build, train, count, export, serve.",
        epilog="kerasnets COMMAND --help shows examples. Exit codes: 0 success, 1 the work failed, "
        "2 wrong input, 130 interrupted, 143 terminated.",
    )
    parser.add_argument("--version", action="version", version=f"kerasnets {kerasnets.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    requested = next((arg for arg in args if not arg.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name == requested:
            module = importlib.import_module(f"kerasnets.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(command=module.run)
            command.epilog = "examples:\n" + module.EXAMPLES
            command.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser
