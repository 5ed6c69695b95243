"""Completion scripts for shells. They contain all names, so that pressing Tab starts no Python."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")


def complete_with(action: argparse.Action, names: Callable[[], Iterable[str]]) -> argparse.Action:
    """Complete an argument with names that are not its only allowed values.

    Args:
        action: the argument.
        names: function that lists the names; it is called when a script is written.
    """
    action.completion_names = names  # type: ignore[attr-defined]
    return action


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion script of a parser with all its subcommands.

    Args:
        parser: the parser. Its choices are changed, so it must not parse anything afterwards.
        shell: a name of ``SHELLS``.
    """
    import shtab

    for action in _actions(parser):
        if names := getattr(action, "completion_names", None):
            action.choices = list(names())
        elif action.type is not None and getattr(action.type, "__name__", "") == "Path":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
