"""Flags that say where and how the jobs of a command run."""

from __future__ import annotations

import argparse
from typing import Any


def job_flags(parser: argparse._ActionsContainer) -> None:
    """Add ``--jobs``, ``--on`` and ``--max-retries``."""
    parser.add_argument(
        "--jobs", type=int, metavar="N",
        help="number of jobs at a time, each in a process of its own; default: 1, or with --on as "
        "many as fit",
    )  # fmt: skip
    parser.add_argument(
        "--on", metavar="PLACE",
        help="run on Ray: 'ray' for this machine, or ray://HOST:PORT for a cluster, with FOLDER "
        "on a shared path; needs the extra ray",
    )  # fmt: skip
    parser.add_argument(
        "--max-retries", type=int, metavar="N",
        help="how often a job is resumed after its process or machine died; default: 3",
    )  # fmt: skip


def job_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments that the flags of :func:`job_flags` set."""
    names = ("jobs", "on", "max_retries")
    options = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in options.items() if value is not None}
