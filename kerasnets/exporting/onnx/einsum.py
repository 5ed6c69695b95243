"""Convert an einsum of two operands, as attention has it, to one matrix product.

tf2onnx writes up to ten nodes, or an ``Einsum``. Without rows, ONNX Runtime returns an error for
the former, and the latter ends the process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

# The size of an axis that is not known, in tf2onnx and in a reshape.
_UNKNOWN = -1
_COPIED = 0


@dataclass(frozen=True)
class Plan:
    """A matrix product, with what comes before and after it.

    The axes of both operands are ordered and merged, so that the product is one of matrices. Its
    axes are separated, and ordered as the equation says.

    Attributes:
        swapped: whether the second operand comes first.
        orders: the order of the axes of each operand.
        shapes: the shape of each operand after that, or ``None`` if nothing is merged.
        shape: the shape of the result, or ``None`` if nothing is separated.
        order: the order of its axes.
    """

    swapped: bool
    orders: tuple[list[int], list[int]]
    shapes: tuple[list[int] | None, list[int] | None]
    shape: list[int] | None
    order: list[int]


def plan(equation: str, shapes: Sequence[Sequence[int]]) -> Plan | None:
    """Plan an einsum.

    Args:
        equation: such as ``"abc,cde->abde"``.
        shapes: the shapes of the operands, -1 for an unknown size.

    Returns:
        The plan; ``None`` if there are not two operands, or if the equation has an ellipsis, a
        diagonal, a sum of a single operand or no sum, or too many unknown sizes.
    """
    terms, arrow, result = equation.replace(" ", "").partition("->")
    operands = terms.split(",")
    if not arrow or "." in equation or len(operands) != 2:
        return None
    if any(len(set(term)) < len(term) for term in (*operands, result)):
        return None
    known = {
        letter: size
        for term, shape in zip(operands, shapes, strict=True)
        for letter, size in zip(term, shape, strict=True)
        if size != _UNKNOWN
    }
    plans = [_plan(operands[::step], result, known, step < 0) for step in (1, -1)]
    return min((p for p in plans if p is not None), key=_transposes, default=None)


def _transposes(plan: Plan) -> int:
    return sum(order != sorted(order) for order in (*plan.orders, plan.order))


def _plan(
    operands: Sequence[str], result: str, known: Mapping[str, int], swapped: bool
) -> Plan | None:
    left_term, right_term = operands
    both = [letter for letter in left_term if letter in right_term]
    batch = [letter for letter in both if letter in result]
    summed = [letter for letter in both if letter not in result]
    left = [letter for letter in result if letter in left_term and letter not in both]
    right = [letter for letter in result if letter in right_term and letter not in both]
    used = len(both) + len(left) == len(left_term) and len(both) + len(right) == len(right_term)
    if not summed or not used:
        return None
    # Without a batch, a matrix product keeps all axes of the left operand.
    rows = [[letter] for letter in left] if left and not batch else [left]
    leading = [[letter] for letter in batch]
    shapes = (
        _merge([*leading, *rows, summed], known),
        _merge([*leading, summed, right], known),
    )
    shape = _separate([*leading, *rows, right], known)
    if any(s is not None and s.count(_UNKNOWN) > 1 for s in (*shapes, shape)):
        return None
    orders = (
        [left_term.index(letter) for letter in (*batch, *left, *summed)],
        [right_term.index(letter) for letter in (*batch, *summed, *right)],
    )
    computed = [*batch, *left, *right]
    return Plan(swapped, orders, shapes, shape, [computed.index(letter) for letter in result])


def _merge(groups: Sequence[Sequence[str]], known: Mapping[str, int]) -> list[int] | None:
    """The shape in which each group of axes is one axis; ``None`` if it is so already."""
    start = _single(groups)
    if start == len(groups):
        return None
    return [_COPIED] * start + [
        math.prod(known[letter] for letter in group) if known.keys() >= set(group) else _UNKNOWN
        for group in groups[start:]
    ]


def _separate(groups: Sequence[Sequence[str]], known: Mapping[str, int]) -> list[int] | None:
    """The shape in which each axis of each group is an axis."""
    start = _single(groups)
    if start == len(groups):
        return None
    letters = [letter for group in groups[start:] for letter in group]
    return [_COPIED] * start + [known.get(letter, _UNKNOWN) for letter in letters]


def _single(groups: Sequence[Sequence[str]]) -> int:
    """The number of groups at the start that are a single axis: a reshape can copy their sizes."""
    return next((i for i, group in enumerate(groups) if len(group) != 1), len(groups))


def convert_einsum(graph: Any, node: Any, name: str, arguments: object) -> None:
    """A handler of tf2onnx for the operation ``Einsum`` of TensorFlow."""
    from tf2onnx.onnx_opset.math import Einsum

    del name, arguments
    shapes = [graph.get_shape(x) for x in node.input]
    is_float = graph.get_dtype(node.output[0]) == onnx.TensorProto.FLOAT
    found = None
    if is_float and None not in shapes:
        found = plan(node.get_attr_value("equation").decode(), shapes)
    if found is None:
        Einsum.version_12(graph, node)
    else:
        _write(graph, node, found)


def _write(graph: Any, node: Any, found: Plan) -> None:
    from tf2onnx.utils import make_name

    def transposed(x: str, order: list[int]) -> str:
        if order == sorted(order):
            return x
        return str(graph.make_node("Transpose", [x], attr={"perm": order}).output[0])

    def reshaped(x: str, shape: list[int] | None) -> str:
        if shape is None:
            return x
        constant = graph.make_const(make_name("shape"), np.array(shape, "int64"))
        return str(graph.make_node("Reshape", [x, constant.output[0]]).output[0])

    output, inputs = node.output[0], list(node.input)
    spec = {"shapes": [graph.get_shape(output)], "dtypes": [graph.get_dtype(output)]}
    graph.remove_node(node.name)
    operands = [
        reshaped(transposed(x, order), shape)
        for x, order, shape in zip(
            inputs[::-1] if found.swapped else inputs, found.orders, found.shapes, strict=True
        )
    ]
    x = str(graph.make_node("MatMul", operands).output[0])
    x = transposed(reshaped(x, found.shape), found.order)
    graph.make_node("Identity", [x], outputs=[output], **spec)
