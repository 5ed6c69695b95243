"""Sizes of axes: an ``int`` if the size is known, a sympy expression if it is not."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy

Size: TypeAlias = "int | sympy.Expr"
Shape: TypeAlias = tuple[Size, ...]


@dataclass(frozen=True)
class Term:
    """A size with its own notation, so that explanations show how it was computed.

    Attributes:
        text: the notation, such as ``"(1 + 16)"``.
        value: the size.
    """

    text: str
    value: Size


class Steps(Term):
    """The number of time steps of a recurrent layer."""

    def __init__(self, value: Size) -> None:
        super().__init__(f"{format_size(value)} steps", value)


Factor: TypeAlias = "int | sympy.Expr | Term"


# Keras before 3.13 keeps integers of NumPy in shapes.
_INTEGERS = (int, numbers.Integral)


def symbol(name: str) -> Size:
    """The symbol of an unknown size, a positive integer."""
    return sympy.Symbol(name, integer=True, positive=True)


def is_known(size: Size) -> bool:
    """Whether a size is a number and not an expression."""
    return isinstance(size, _INTEGERS)


def symbols_of(size: Size) -> set[Any]:
    """The symbols that occur in a size."""
    return set() if isinstance(size, _INTEGERS) else size.free_symbols


def substitute(size: Size, values: Mapping[Any, int]) -> Size:
    """Replace symbols in a size by numbers."""
    if isinstance(size, int):
        return size
    # For a single symbol, a dict lookup is about 100 times faster than sympy's subs.
    return values.get(size, size) if size.is_Symbol else simplify(size.subs(values))


def value_of(factor: Factor) -> Size:
    """The size that a factor represents."""
    return factor.value if isinstance(factor, Term) else factor


def product(factors: Iterable[Factor]) -> Size:
    """The product of the factors, 1 if there are none. An ``int`` if all of them are known."""
    return math.prod(value_of(factor) for factor in factors)


def total(values: Iterable[Size]) -> Size:
    """The sum of the sizes: an ``int`` if all of them are known, else an expanded expression."""
    result = sum(values)
    return result if isinstance(result, int) else simplify(sympy.expand(result))


def simplify(value: Any) -> Size:
    """Convert a sympy integer to an ``int``; return any other value unchanged."""
    return int(value) if isinstance(value, sympy.Integer | int) else value


def ceil_div(size: Size, divisor: int) -> Size:
    """The quotient, rounded up."""
    return -(-size // divisor) if isinstance(size, int) else sympy.ceiling(size / divisor)


def exact_div(size: Size, divisor: Size) -> Size:
    """The quotient of two sizes that divide without remainder."""
    return simplify(sympy.sympify(size) / divisor)


def sum_term(*parts: Factor) -> Factor:
    """A sum that is shown as such, ``(1 + 16)``. A single part is returned unchanged."""
    if len(parts) == 1:
        return parts[0]
    text = " + ".join(format_factor(part) for part in parts)
    return Term(f"({text})", sum(map(value_of, parts)))


def format_factor(factor: Factor) -> str:
    """Format a factor for an explanation: thousands separated, sums in brackets."""
    if isinstance(factor, Term):
        return factor.text
    if isinstance(factor, int):
        return f"{factor:,}"
    return f"({factor})" if factor.is_Add else str(factor)


def format_size(value: Size) -> str:
    """Format a result for a table: ``2,864``, or the expression if a size is unknown."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def check_positive(name: str, size: Any) -> int:
    """Return the size as an ``int``.

    Args:
        name: the name of the argument, for the error message.
        size: the size to check.

    Raises:
        ValueError: ``size`` is not a positive integer.
    """
    if isinstance(size, bool) or not hasattr(size, "__index__") or int(size) < 1:
        raise ValueError(f"{name} must be a positive integer, got {size!r}.")
    return int(size)
