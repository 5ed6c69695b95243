"""The section of the model card about live streams."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from kerasnets._tables import markdown_table


def streaming_section(entry: Mapping[str, Any] | None) -> str:
    """Describe the step model in Markdown; empty if there is none.

    Args:
        entry: the entry ``streaming`` of the card.
    """
    if not entry:
        return ""
    files = ", ".join(f"`{name}`" for name in entry["files"].values())
    text = (
        f"{files}: a step of a live signal. The inputs are the next steps and the states, whose "
        "initial values are in `initial_state.npz`. The outputs are those of the whole sequence at "
        "these steps, and each state again as `new_…`. All rows start together."
    )
    parts = ["## Live streams", textwrap.fill(text, 100, break_on_hyphens=False)]
    if "onnx" in entry["files"]:
        parts.append(_example(entry["inputs"]))
    rows = [
        (f"`{tensor['name']}`", kind, tensor["dtype"], _axes(tensor["shape"], kind != "state"))
        for key, kind in (("inputs", "input"), ("states", "state"), ("outputs", "output"))
        for tensor in entry[key]
    ]
    parts.append(markdown_table(("name", "", "type", "shape"), rows))
    parts.append(_timing(entry["timing"]))
    sizes = [math.prod(axis or 1 for axis in tensor["shape"]) for tensor in entry["states"]]
    parts.append(f"A stream holds {sum(sizes):,} numbers between two chunks.")
    return "\n\n".join(parts)


def _example(inputs: Sequence[Mapping[str, Any]]) -> str:
    names = [tensor["name"] for tensor in inputs]
    argument = names[0]
    if len(names) > 1:
        argument = "{" + ", ".join(f'"{name}": {name}' for name in names) + "}"
    return "\n".join(
        [
            "```python",
            "import kerasnets as kn",
            "",
            "stream = kn.Stream(folder)  # the path of this folder",
            f"outputs = stream({argument})",
            "```",
        ]
    )


def _axes(shape: Sequence[int | None], has_steps: bool) -> str:
    names = ("rows", "steps") if has_steps else ("rows",)
    return f"({', '.join([*names, *(str(axis) for axis in shape[len(names) :])])})"


def _timing(timing: Mapping[str, Mapping[str, int]]) -> str:
    found: dict[tuple[int, int], list[str]] = {}
    for name, entry in timing.items():
        found.setdefault((entry["stride"], entry["first"]), []).append(f"`{name}`")
    lines = []
    for (stride, first), names in found.items():
        each = "every step" if stride == 1 else f"every {stride} steps"
        start = f", the first after {first} steps" if first > 1 else ""
        lines.append(f"{' and '.join(names)}: one output for {each}{start}.")
    return "\n".join(lines)
