"""``kerasnets nets``: list the networks of the catalogue, or describe one."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from kerasnets._errors import did_you_mean
from kerasnets._tables import terminal_width, text_table, wrapped
from kerasnets.commands._shared import json_flag, names_of_nets, print_json
from kerasnets.nets import NetSpec, describe, list_nets

EXAMPLES = """\
  kerasnets nets
  kerasnets nets 'seizure-gru*' --json
  kerasnets nets seizure-gru              all that is known about one net
"""

_HEADERS = ("net", "data", "params", "FLOPs", "test", "reported")
_ALIGN = "llrrrr"
_NOTE = (
    "*: recommended for its kind of data. FLOPs: per sample by the convention exact, with T time "
    "steps. Test: accuracy on the test split in percent, or AUROC, with the default recipe; "
    "reported: with the settings of the course reports (--recipe as-reported). kerasnets nets NET "
    "says how they were measured."
)
_SUMMARY_WIDTH = 40  # columns; in a narrower terminal the summaries are left out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    names_of_nets(
        parser.add_argument(
            "pattern",
            nargs="?",
            default="*",
            help="name of a net, or a shell pattern of names, such as 'seizure-*'",
        )
    )
    json_flag(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    specs = [describe(name) for name in list_nets(arguments.pattern)]
    if not specs:
        hint = did_you_mean(arguments.pattern, list_nets())
        raise ValueError(
            f"No net matches {arguments.pattern!r}.{hint} kerasnets nets lists all nets."
        )
    if arguments.json:
        print_json([_record(spec) for spec in specs])
    elif len(specs) == 1:
        print(_details(specs[0]))
    else:
        print(_list(specs))


def _list(specs: Sequence[NetSpec]) -> str:
    rows = [_row(spec) for spec in specs]
    width, headers = terminal_width(), list(_HEADERS)
    longest = max(map(len, text_table(headers, rows, _ALIGN, box=False).splitlines()))
    align = _ALIGN
    if width is None or width - longest > _SUMMARY_WIDTH:
        rows = [[*row, spec.summary] for row, spec in zip(rows, specs, strict=True)]
        headers, align = [*headers, "summary"], f"{align}l"
    table = text_table(headers, rows, align, box=False, width=width)
    return f"{table}\n{wrapped(_NOTE)}"


def _row(spec: NetSpec) -> list[str]:
    facts, test = spec.facts(), spec.test
    return [
        f"{spec.name} *" if spec.recommended else spec.name,
        spec.data if test is None else test.data,
        facts.get("parameters", ""),
        facts.get("FLOPs", "").replace(" ", ""),
        "" if test is None else test.short,
        "" if spec.test_as_reported is None else spec.test_as_reported.short,
    ]


def _details(spec: NetSpec) -> str:
    lines = [wrapped(f"{spec.name}  {spec.summary}", indent="  ")]
    facts = spec.facts()
    width = max(map(len, facts))
    lines += [
        wrapped(f"  {name:<{width}} {text}", indent=" " * (width + 3))
        for name, text in facts.items()
    ]
    return "\n".join(lines)


def _record(spec: NetSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "summary": spec.summary,
        "data": spec.data,
        "source": spec.source,
        "arguments": spec.arguments,
        "recipe": dict(spec.recipe),
        "recipe_by_data": {data: dict(recipe) for data, recipe in spec.recipe_by_data.items()},
        "as_reported": None if spec.as_reported is None else dict(spec.as_reported),
        "params": spec.params,
        "flops": spec.flops,
        "test": spec.test and dataclasses.asdict(spec.test),
        "test_as_reported": spec.test_as_reported and dataclasses.asdict(spec.test_as_reported),
        "recommended": spec.recommended,
    }
