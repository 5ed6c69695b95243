"""Einstein sums: the sizes of the labels of an equation."""

from __future__ import annotations

from collections.abc import Sequence

from kerasnets.profiling.sizes import Shape, Size, is_known

# The size of an unknown axis when the order of contractions is chosen.
_UNKNOWN = 64


def label_sizes(equation: str, shapes: Sequence[Shape]) -> tuple[dict[str, Size], str]:
    """Find the size of each label and the labels of the output, in order.

    Args:
        equation: such as ``"abc,cd->abd"``; ``...`` matches the remaining axes.
        shapes: the shapes of the operands.
    """
    inputs, arrow, output_labels = equation.replace(" ", "").partition("->")
    operands = list(zip(inputs.split(","), shapes, strict=True))
    ellipsis_rank = max(
        (len(s) - len(x.replace(".", "")) for x, s in operands if "." in x), default=0
    )
    sizes: dict[str, Size] = {}
    all_labels = ""
    for labels, shape in operands:
        expanded = _expand_ellipsis(labels, len(shape))
        all_labels += expanded
        for label, side in zip(expanded, shape, strict=True):
            # An axis of size 1 is broadcast.
            sizes[label] = side if sizes.get(label, 1) == 1 else sizes[label]
    if not arrow:
        output_labels = "".join(sorted(x for x in set(all_labels) if all_labels.count(x) == 1))
    return sizes, _expand_ellipsis(
        output_labels, len(output_labels.replace(".", "")) + ellipsis_rank
    )


def _expand_ellipsis(labels: str, rank: int) -> str:
    """Replace ``...`` by labels that no equation contains, numbered from the right."""
    missing = rank - len(labels.replace(".", ""))
    return labels.replace("...", "".join(chr(0x2460 + index) for index in reversed(range(missing))))


def contraction_path(equation: str, shapes: Sequence[Shape]) -> list[tuple[str, list[Shape]]]:
    """The contractions of at most two operands that TensorFlow computes for an equation.

    Args:
        equation: such as ``"ab,bc,cd->ad"``.
        shapes: the shapes of the operands.

    Returns:
        The equation and the shapes of each contraction, in order.
    """
    if len(shapes) <= 2:
        return [(equation, list(shapes))]
    import opt_einsum  # type: ignore[import-untyped]  # a dependency of TensorFlow

    sizes, output_labels = label_sizes(equation, shapes)
    inputs, _, _ = equation.replace(" ", "").partition("->")
    labels = [_expand_ellipsis(x, len(s)) for x, s in zip(inputs.split(","), shapes, strict=True)]
    known = [tuple(x if is_known(x) else _UNKNOWN for x in shape) for shape in shapes]
    full = f"{','.join(labels)}->{output_labels}"
    _, path = opt_einsum.contract_path(full, *known, shapes=True, optimize="greedy")
    return [
        (step[2], [tuple(sizes[x] for x in operand) for operand in _operands(step[2])])
        for step in path.contraction_list
    ]


def _operands(equation: str) -> list[str]:
    return equation.partition("->")[0].split(",")
