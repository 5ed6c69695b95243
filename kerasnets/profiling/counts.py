"""What is counted: scalar operations by kind, and the operations of a layer they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from kerasnets.profiling.sizes import Factor, Size, product, total


@dataclass(frozen=True)
class Counts:
    """Scalar operations, the kinds kept apart.

    A sum of n products is n − 1 multiply–adds and one multiplication, since the first product
    has nothing to be added to; with a bias it is n multiply–adds.

    Attributes:
        multiply_adds: a multiplication whose result is added to a running sum.
        additions: also subtractions and changes of sign.
        multiplications: products that are not summed up.
        comparisons: also minimum, maximum, absolute value and rounding.
        divisions: quotients.
        transcendentals: exp, log, sqrt, sin, erf and their like.
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
        """The six counts in the order of the attributes."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def operations(self) -> Size:
        """Every scalar operation; a multiply–add is two."""
        return self.multiply_adds + sum(self.values())

    @staticmethod
    def sum(counts: Iterable[Counts]) -> Counts:
        """The sum of any number of counts."""
        columns = zip(*(count.values() for count in counts), strict=True)
        return Counts(*(total(column) for column in columns))


# The kinds whose products a paper calls MACs.
PRODUCT_KINDS = frozenset({"dense", "convolution", "matmul"})


@dataclass(frozen=True)
class Op:
    """One step of a layer's calculation: the same few scalar operations for each of its outputs.

    Attributes:
        kind: what conventions go by: ``"dense"``, ``"convolution"``, ``"relu"``, ``"max_pool"`` …
        each: the scalar operations of one output.
        outputs: the factors whose product is the number of outputs.
        terms: for sums of products, the factors of how many are summed for one output.
        bias: whether the sum starts from a bias.
        label: what the step is in words, for explanations.
        after: for activations, the kind of the sums they follow, if they are part of a layer.
        window: the positions under a kernel or pool.
        repeats: how often the step is done: for each time step, group or the like. Conventions
            price it once.
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
        """The scalar operations of all outputs."""
        return self.each * product((*self.outputs, *self.repeats))

    @property
    def macs(self) -> Size:
        """Products of a matrix product or convolution, whether or not there is a bias."""
        if self.kind not in PRODUCT_KINDS:
            return 0
        return product((*self.terms, *self.outputs, *self.repeats))

    @property
    def sums(self) -> Size:
        """How many sums of products there are; 0 where a step is none."""
        return product((*self.outputs, *self.repeats)) if self.terms else 0

    def times(self, factor: Factor) -> Op:
        """The same step done several times."""
        return replace(self, repeats=(*self.repeats, factor))

    def labelled(self, prefix: str) -> Op:
        """The same step with more said of where it belongs."""
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
    """Dot products: n multiplications and n − 1 additions for each output, n with a bias."""
    length = product(terms)
    each = Counts(multiply_adds=length) if bias else Counts(length - 1, multiplications=1)
    return Op(kind, each, outputs, terms, bias, label, window=window)


def elementwise(kind: str, outputs: tuple[Factor, ...], label: str = "", **counts: Size) -> Op:
    """The same operations on each element, such as ``additions=1``."""
    return Op(kind, Counts(**counts), outputs, label=label)
