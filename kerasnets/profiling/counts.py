"""Scalar operations by kind, and the steps of a layer that they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from kerasnets.profiling.sizes import Factor, Size, product, total


@dataclass(frozen=True)
class Counts:
    """Numbers of scalar operations, one per kind.

    A sum of n products is n − 1 multiply–adds and one multiplication, because the first product
    is not added to anything. With a bias it is n multiply–adds.

    Attributes:
        multiply_adds: multiplications whose result is added to a running sum.
        additions: additions, subtractions and changes of sign.
        multiplications: products that are not summed.
        comparisons: comparisons, minimum, maximum, absolute value and rounding.
        divisions: divisions.
        transcendentals: exp, log, sqrt, sin, erf and similar functions.
    """

    multiply_adds: Size = 0
    additions: Size = 0
    multiplications: Size = 0
    comparisons: Size = 0
    divisions: Size = 0
    transcendentals: Size = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self.values(), other.values(), strict=True)))

    def __mul__(self, times: Size) -> Counts:
        return Counts(*(value * times for value in self.values()))

    def values(self) -> tuple[Size, ...]:
        """The six numbers in the order of the attributes."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def operations(self) -> Size:
        """The number of scalar operations. A multiply–add is two operations."""
        return self.multiply_adds + sum(self.values())

    @staticmethod
    def sum(counts: Iterable[Counts]) -> Counts:
        """The sum of several counts."""
        columns = zip(*(count.values() for count in counts), strict=True)
        return Counts(*(total(column) for column in columns))


# The kinds of steps whose products are MACs.
PRODUCT_KINDS = frozenset({"dense", "convolution", "matmul"})


@dataclass(frozen=True)
class Op:
    """One step of a layer's computation: the same scalar operations for each of its outputs.

    Attributes:
        kind: the kind of step, such as ``"dense"``, ``"convolution"``, ``"relu"`` or
            ``"max_pool"``. Its cost in a convention may depend on the kind.
        each: the scalar operations per output.
        outputs: factors whose product is the number of outputs.
        terms: for sums of products, factors whose product is the number of terms per sum.
        bias: whether the sum starts from a bias.
        label: a description for explanations.
        after: for activation functions inside a layer, the kind of the step before them.
        window: the sides of the kernel or pooling window.
        repeats: how often the step is repeated, for example once per time step. Conventions
            price one repetition.
        phase: ``"forward"``, ``"backward"`` or ``"update"``.
    """

    kind: str
    each: Counts
    outputs: tuple[Factor, ...]
    terms: tuple[Factor, ...] = ()
    bias: bool = False
    label: str = ""
    after: str = ""
    window: tuple[Factor, ...] = ()
    repeats: tuple[Factor, ...] = ()
    phase: str = "forward"

    @property
    def counts(self) -> Counts:
        """The scalar operations of all outputs and repetitions."""
        return self.each * product((*self.outputs, *self.repeats))

    @property
    def macs(self) -> Size:
        """The products of a matrix product or convolution, with or without a bias."""
        if self.kind not in PRODUCT_KINDS:
            return 0
        return product((*self.terms, *self.outputs, *self.repeats))

    @property
    def sums(self) -> Size:
        """The number of sums of products; 0 if the step has none."""
        return product((*self.outputs, *self.repeats)) if self.terms else 0

    def times(self, factor: Factor) -> Op:
        """The same step, repeated ``factor`` times."""
        return replace(self, repeats=(*self.repeats, factor))

    def labelled(self, prefix: str) -> Op:
        """The same step with a prefix before its label."""
        return replace(self, label=f"{prefix} {self.label}".strip())


def sum_of_products(
    kind: str,
    outputs: tuple[Factor, ...],
    terms: tuple[Factor, ...],
    *,
    bias: bool = False,
    label: str = "",
    window: tuple[Factor, ...] = (),
) -> Op:
    """A step of dot products: n multiplications and n − 1 additions per output, n with a bias."""
    length = product(terms)
    each = Counts(multiply_adds=length) if bias else Counts(length - 1, multiplications=1)
    return Op(kind, each, outputs, terms, bias, label, window=window)


def elementwise(kind: str, outputs: tuple[Factor, ...], label: str = "", **counts: Size) -> Op:
    """A step with the same operations per element, passed by kind, such as ``additions=1``."""
    return Op(kind, Counts(**counts), outputs, label=label)
