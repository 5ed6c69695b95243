"""The command ``kerasnets``: parses and calls, decides nothing.

Each sub-command is a module of :mod:`kerasnets.commands`, imported only when it is asked for, so
that ``kerasnets --help`` is there at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import kerasnets
from kerasnets._errors import WorkFailedError

# What the shell is told: 0 done, 1 the work itself failed, 2 wrong input, 130 interrupted.
FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130

COMMANDS = {
    "nets": "list the networks, their sources and parameters",
    "data": "describe a data set and draw examples of it, or fetch it",
    "train": "train a network, measure it, and leave a run folder",
    "evaluate": "measure a trained network again",
    "profile": "count parameters, MACs and FLOPs, layer by layer",
    "export": "write a verified SavedModel and ONNX file",
    "verify": "compare exported files with Keras's own outputs",
    "trees": "grow decision trees of every size on a table, and recommend one",
    "principles": "show what activation, first weights and order do to a small net",
    "search": "vary settings of a net and its training, and find the best in validation",
    "reproduce": "do what the sources did, and print what they state beside what we get",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after ``kerasnets``; those of the process by default.

    Returns:
        The exit code: 0 done, 1 the work itself failed, 2 wrong input, 130 interrupted.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = _parser(words).parse_args(words)
        arguments.command(arguments)
    except KeyboardInterrupt as interrupt:
        return _tell(str(interrupt) or "interrupted", INTERRUPTED)
    except WorkFailedError as error:
        return _tell(str(error), FAILED)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python must not try to flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ValueError, OSError, ImportError) as error:
        return _tell(str(error), WRONG_INPUT)
    return 0


def _tell(message: str, code: int) -> int:
    print(f"kerasnets: {message}", file=sys.stderr)
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kerasnets",
        description="Small networks you can trust: build, train, count, export, serve.",
        epilog="kerasnets COMMAND --help shows examples. Exit codes: 0 done, 1 the work failed, "
        "2 wrong input, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"kerasnets {kerasnets.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    asked_for = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name == asked_for:
            module = importlib.import_module(f"kerasnets.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(command=module.run)
            command.epilog = "examples:\n" + module.EXAMPLES
            command.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser
