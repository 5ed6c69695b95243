"""Einstein sums: what the letters of an equation stand for."""

from __future__ import annotations

from collections.abc import Sequence

from kerasnets.profiling.sizes import Shape, Size


def label_sizes(equation: str, shapes: Sequence[Shape]) -> tuple[dict[str, Size], str]:
    """The size of each letter, and the letters of the output in order.

    Args:
        equation: such as ``"abc,cd->abd"``; ``...`` stands for the axes left over.
        shapes: the shapes of its operands.
    """
    inputs, arrow, kept = equation.replace(" ", "").partition("->")
    parts = list(zip(inputs.split(","), shapes, strict=True))
    left_over = max((len(s) - len(x.replace(".", "")) for x, s in parts if "." in x), default=0)
    sizes: dict[str, Size] = {}
    joined = ""
    for labels, shape in parts:
        spelled = _spelled_out(labels, len(shape))
        joined += spelled
        for label, side in zip(spelled, shape, strict=True):
            # A side of 1 is broadcast.
            sizes[label] = side if sizes.get(label, 1) == 1 else sizes[label]
    if not arrow:
        kept = "".join(sorted(x for x in set(joined) if joined.count(x) == 1))
    return sizes, _spelled_out(kept, len(kept.replace(".", "")) + left_over)


def _spelled_out(labels: str, rank: int) -> str:
    """``...`` replaced by letters of its own, numbered from the right."""
    extra = rank - len(labels.replace(".", ""))
    return labels.replace("...", "".join(chr(0x2460 + at) for at in reversed(range(extra))))
