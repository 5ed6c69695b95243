"""Sizes: plain integers where an axis is known, sympy expressions where it is not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy

Size: TypeAlias = "int | sympy.Expr"
Shape: TypeAlias = tuple[Size, ...]


@dataclass(frozen=True)
class Term:
    """A size that remembers how it came about, so that an explanation can write it out.

    Attributes:
        text: how it is written, such as ``"(1 + 16)"``.
        value: what it is.
    """

    text: str
    value: Size


class Steps(Term):
    """How many time steps a recurrent layer takes."""

    def __init__(self, value: Size) -> None:
        super().__init__(f"{number(value)} steps", value)


Factor: TypeAlias = "int | sympy.Expr | Term"


def symbol(name: str) -> Size:
    """The symbol of an unknown axis: a positive integer."""
    return sympy.Symbol(name, integer=True, positive=True)


def is_known(size: Size) -> bool:
    """Whether a size is a number."""
    return isinstance(size, int)


def symbols_of(size: Size) -> set[Any]:
    """The symbols in a size."""
    return set() if isinstance(size, int) else size.free_symbols


def put(size: Size, values: Mapping[Any, int]) -> Size:
    """The size with numbers put in for symbols."""
    if isinstance(size, int):
        return size
    # sympy's substitution takes a hundred times as long as looking a bare symbol up.
    return values.get(size, size) if size.is_Symbol else simplified(size.subs(values))


def value_of(factor: Factor) -> Size:
    """The number behind a factor."""
    return factor.value if isinstance(factor, Term) else factor


def product(factors: Iterable[Factor]) -> Size:
    """The product of sizes; 1 for none. An ``int`` where all of them are."""
    return math.prod(value_of(factor) for factor in factors)


def total(values: Iterable[Size]) -> Size:
    """The sum of sizes, an ``int`` where all of them are, multiplied out where they are not."""
    result = sum(values)
    return result if isinstance(result, int) else simplified(sympy.expand(result))


def simplified(value: Any) -> Size:
    """The value as a plain ``int`` if that is what it is."""
    return int(value) if isinstance(value, sympy.Integer | int) else value


def ceil_div(size: Size, by: int) -> Size:
    """The quotient rounded up."""
    return -(-size // by) if isinstance(size, int) else sympy.ceiling(size / by)


def ratio(size: Size, by: Size) -> Size:
    """A quotient that is known to be whole."""
    return simplified(sympy.sympify(size) / by)


def sum_term(*parts: Factor) -> Factor:
    """A sum written out, ``(1 + 16)``; a single part is itself."""
    if len(parts) == 1:
        return parts[0]
    return Term(f"({' + '.join(written(part) for part in parts)})", sum(map(value_of, parts)))


def written(factor: Factor) -> str:
    """A factor as an explanation writes it: thousands apart, sums in brackets."""
    if isinstance(factor, Term):
        return factor.text
    if isinstance(factor, int):
        return f"{factor:,}"
    return f"({factor})" if factor.is_Add else str(factor)


def number(value: Size) -> str:
    """A result as a table shows it: ``2,864``, or the expression of an unknown size."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def positive(name: str, size: Any) -> int:
    """The size as an ``int``.

    Raises:
        ValueError: if it is not a positive integer.
    """
    if isinstance(size, bool) or not hasattr(size, "__index__") or int(size) < 1:
        raise ValueError(f"{name} must be a positive integer, got {size!r}.")
    return int(size)
