"""``kerasnets nets``: list the networks of the catalogue."""

from __future__ import annotations

import argparse

from kerasnets.commands._shared import json_flag, print_json
from kerasnets.nets import describe, list_nets

EXAMPLES = """\
  kerasnets nets
  kerasnets nets 'seizure-gru*' --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.add_argument(
        "pattern", nargs="?", default="*", help="shell pattern of names, such as 'seizure-*'"
    )
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    names = list_nets(arguments.pattern)
    if not names:
        raise ValueError(f"No net matches {arguments.pattern!r}; kerasnets nets lists all nets.")
    specs = [describe(name) for name in names]
    if arguments.json:
        print_json(
            [
                {
                    "name": spec.name,
                    "summary": spec.summary,
                    "data": spec.data,
                    "source": spec.source,
                    "arguments": spec.arguments,
                    "recipe": dict(spec.recipe),
                }
                for spec in specs
            ]
        )
    else:
        width = max(map(len, names))
        for spec in specs:
            print(f"{spec.name:<{width}}  {spec.source:<8}  {spec.summary}")
