"""The argument parser of the command line: argparse with near misses and one-line errors."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from kerasnets._errors import unknown_name


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line each and name the closest option.

    Wrong arguments raise ``ValueError``, where argparse would print its usage and exit. Options
    cannot be abbreviated, so that a new option never changes the meaning of an old command.
    """

    def __init__(self, **settings: Any) -> None:
        self._usage = "%(prog)s [options]"
        super().__init__(**{"allow_abbrev": False, "formatter_class": _Help, **settings})
        self.usage = settings.get("usage", self._usage)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Add an argument. Positional arguments are also added to the usage line."""
        action = super().add_argument(*names, **settings)
        if not action.option_strings:
            shown = str(action.metavar or action.dest.upper())
            action.metavar = shown
            several = " …" if action.nargs in ("+", "*") and " " not in shown else ""
            optional = action.nargs in ("?", "*")
            self._usage += f" [{shown}{several}]" if optional else f" {shown}{several}"
            self.usage = self._usage
        return action

    def parse_known_args(  # type: ignore[override]  # typeshed has overloads by namespace
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse all arguments; unknown ones are an error of this parser, which knows its options.

        Raises:
            ValueError: an argument is wrong, missing or unknown.
        """
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._explain_unknown(unknown))
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Raise the message of a wrong argument.

        Raises:
            ValueError: always.
        """
        sentence = f"{message[:1].upper()}{message[1:].rstrip('.?')}"
        end = "?" if message.endswith("?") else "."
        raise ValueError(f"{sentence}{end} See {self.prog} --help.")

    def _explain_unknown(self, unknown: Sequence[str]) -> str:
        options = [text.partition("=")[0] for text in unknown if text.startswith("-")]
        if not options:
            return f"unexpected argument {unknown[0]!r}"
        known = [
            name
            for name, action in self._option_string_actions.items()
            if action.help != argparse.SUPPRESS
        ]
        close = difflib.get_close_matches(options[0], known, n=1, cutoff=0.6)
        hint = f". Did you mean {close[0]}?" if close else ""
        return f"unknown option {options[0]}{hint}"


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help with the default of each option, unless the option has none or its help names it.

    Names with hyphens, such as those of nets, are not broken into two lines.
    """

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help or ""
        without = action.default in (None, False, "", [], argparse.SUPPRESS)
        if without or "default" in text or not action.option_strings:
            return text
        return f"{text}; default: %(default)s"


def one_of(kind: str, names: Iterable[str]) -> Callable[[str], str]:
    """Make the ``type`` of an argument that is one of some names. It suggests similar names.

    Args:
        kind: what is named, such as ``"split"``.
        names: the allowed names; pass them as ``choices`` too, for the help and completion.
    """
    allowed = tuple(names)

    def convert(text: str) -> str:
        if text not in allowed:
            raise argparse.ArgumentTypeError(str(unknown_name(kind, text, allowed)))
        return text

    return convert
