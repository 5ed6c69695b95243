"""The command ``kerasnets``. It parses arguments and calls the package, nothing else.

Each subcommand is a module of :mod:`kerasnets.commands`. Only the requested one is imported, so
``kerasnets --help`` is fast.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import kerasnets
from kerasnets._errors import WorkFailedError

# Exit codes. 0 means success.
FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130

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
        The exit code: 0 success, 1 the work failed, 2 wrong input, 130 interrupted.
    """
    args = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = _make_parser(args).parse_args(args)
        arguments.command(arguments)
    except KeyboardInterrupt as interrupt:
        return _fail(str(interrupt) or "interrupted", INTERRUPTED)
    except WorkFailedError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Python must not flush to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ValueError, OSError, ImportError) as error:
        return _fail(str(error), WRONG_INPUT)
    return 0


def _fail(message: str, code: int) -> int:
    print(f"kerasnets: {message}", file=sys.stderr)
    return code


def _make_parser(args: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kerasnets",
        description="Small networks you can trust: build, train, count, export, serve.",
        epilog="kerasnets COMMAND --help shows examples. Exit codes: 0 success, 1 the work failed, "
        "2 wrong input, 130 interrupted.",
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
