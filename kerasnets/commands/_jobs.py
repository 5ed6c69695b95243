"""Flags that say how the jobs of a command run."""

from __future__ import annotations

import argparse
from typing import Any


def job_flags(parser: argparse._ActionsContainer) -> None:
    """Add ``--jobs`` and ``--max-retries``."""
    parser.add_argument(
        "--jobs", type=int, metavar="N",
        help="number of jobs at a time, each in a process of its own; default: 1",
    )  # fmt: skip
    parser.add_argument(
        "--max-retries", type=int, metavar="N",
        help="how often a job is resumed after its process died; default: 3",
    )  # fmt: skip


def job_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments that the flags of :func:`job_flags` set."""
    names = ("jobs", "max_retries")
    options = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in options.items() if value is not None}
