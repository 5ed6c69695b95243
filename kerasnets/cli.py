"""The command ``kerasnets``. It parses arguments and calls the package, nothing else.

Each subcommand is a module of :mod:`kerasnets.commands`. Only the requested one is imported, so
``kerasnets --help`` is fast.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import NoReturn

import kerasnets
from kerasnets._errors import (
    WORKER_LOST,
    WorkerLostError,
    WorkFailedError,
    WriteError,
    unknown_name,
)
from kerasnets._files import full_disk
from kerasnets._lazy import skip_optional_imports
from kerasnets._tables import wrapped
from kerasnets.commands._completion import SHELLS, completion_script
from kerasnets.commands._parser import Parser, one_of

# Exit codes. 0 means success.
FAILED, WRONG_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143

COMMANDS = {
    "nets": "list the networks, their sources and parameters",
    "data": "describe a data set and plot examples, or download it",
    "train": "train a network, evaluate it, and write a run folder",
    "launch": "train with several local processes, and restart them if one is lost",
    "predict": "write the predictions of a trained net for new data as CSV",
    "evaluate": "evaluate a trained network again",
    "profile": "count parameters, MACs and FLOPs per layer",
    "export": "write a verified SavedModel and ONNX file",
    "verify": "compare exported files with the outputs of Keras",
    "report": "write a page that shows a run and runs its net, or runs side by side",
    "trees": "grow decision trees with many settings, and recommend one",
    "principles": "show effects of activation, initial weights and order on small nets",
    "search": "find the settings with the best validation score",
    "reproduce": "repeat the course reports S1–S5, and compare their claims with our results",
}


def run_process() -> NoReturn:
    """Run the command line, then end the process: what the script ``kerasnets`` calls.

    Python would free all objects of TensorFlow before it ends, which takes longer than a tenth of
    a second. The system does it faster. So the process ends after the exit handlers of libraries,
    which run in reverse order.
    """
    code = FAILED  # as in Python, for an error that main does not expect

    def end() -> None:
        with contextlib.suppress(OSError, ValueError):  # it is closed or cannot be written
            sys.stdout.flush()
        os._exit(code)

    atexit.register(end)
    try:
        code = main()
    except SystemExit as error:  # after --help or --version
        code = int(error.code or 0)
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after ``kerasnets``. Default: those of the process.

    Returns:
        The exit code: 0 success, 1 the work failed, 2 wrong input, 75 another worker of the same
        training was lost, so the same command can be run again, 130 interrupted by Ctrl-C,
        143 terminated by SIGTERM, for example when a container is stopped.
    """
    if argv is None:
        skip_optional_imports()  # the process belongs to this command
    args = sys.argv[1:] if argv is None else list(argv)
    try:
        if not args:
            _make_parser([]).print_help(sys.stderr)
            return WRONG_INPUT
        with _terminated_like_ctrl_c():
            arguments = _make_parser(_requested_command(args)).parse_args(args)
            arguments.command(arguments)
            sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        terminated = isinstance(interrupt, _Terminated)
        text = str(interrupt) or ("terminated" if terminated else "interrupted")
        return _fail(text, TERMINATED if terminated else INTERRUPTED)
    except WorkerLostError as error:
        return _fail(str(error), WORKER_LOST)
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
    print(wrapped(f"kerasnets: {message}", stream=sys.stderr), file=sys.stderr)
    return code


def _make_parser(commands: Iterable[str]) -> Parser:
    """Make the parser.

    Args:
        commands: the commands whose arguments are needed. The modules of the others, which may
            take seconds, are not imported.
    """
    parser = Parser(
        prog="kerasnets",
        usage="%(prog)s COMMAND [options]",
        description="Small networks you can trust: build, train, count, export, serve.",
        epilog="kerasnets COMMAND --help shows examples.\n"
        "Exit codes: 0 success, 1 the work failed, 2 wrong input, 75 another worker was\n"
        "lost, 130 interrupted, 143 terminated.",
    )
    parser.add_argument("--version", action="version", version=f"kerasnets {kerasnets.__version__}")
    parser.add_argument(
        "--print-completion",
        metavar="SHELL",
        type=one_of("shell", SHELLS),
        choices=SHELLS,
        help=f"print the completion script for a shell: {', '.join(SHELLS)}",
    )
    parser.set_defaults(command=_print_completion)
    subparsers = parser.add_subparsers(metavar="COMMAND", prog=parser.prog, parser_class=Parser)
    for name, summary in COMMANDS.items():
        command = subparsers.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name in commands:
            module = importlib.import_module(f"kerasnets.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(command=module.run)
            command.epilog = "examples:\n" + module.EXAMPLES
    return parser


def _requested_command(args: Sequence[str]) -> list[str]:
    """The command that the arguments start with; empty if they start with an option.

    Raises:
        ValueError: there is no such command; the message contains similar names.
    """
    requested = [arg for arg in args[:1] if not arg.startswith("-")]
    for name in requested:
        if name not in COMMANDS:
            raise unknown_name("command", name, COMMANDS)
    return requested


def _print_completion(arguments: argparse.Namespace) -> None:
    if arguments.print_completion is None:
        raise ValueError("Name a command. See kerasnets --help.")
    print(completion_script(_make_parser(COMMANDS), arguments.print_completion))
