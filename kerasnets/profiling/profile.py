"""The profile of a model: what it costs, layer by layer, under a named convention."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sympy

from kerasnets._errors import unknown_name
from kerasnets.profiling.counts import Counts, Op
from kerasnets.profiling.sequences import SequenceTotals
from kerasnets.profiling.sizes import Factor, Shape, Size, positive, product, total

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class LayerProfile:
    """One call of one layer.

    Attributes:
        path: the names of the models around it and its own, with slashes between.
        type: its class.
        output_shapes: the shapes that come out, for one sample, without the batch axis.
        params: its parameters; 0 where an earlier row has them already.
        trainable_params: those of them that training changes.
        weights: the shapes of those parameters.
        counts: its scalar operations, the kinds kept apart.
        macs: multiply–adds of matrix products and convolutions.
        flops: its cost under the profile's convention.
        steps: what it computes, each step with the factors of its cost.
        reason: why nothing is counted; ``""`` where something is.
        supported: whether everything it computes is counted.
        activation_bytes: what its outputs take, for one sample.
        live_bytes: all activations alive while it runs.
        moved_bytes: inputs and weights read once and outputs written once.
    """

    path: str
    type: str
    output_shapes: tuple[Shape, ...]
    params: int
    trainable_params: int
    weights: tuple[tuple[int, ...], ...]
    counts: Counts
    macs: Size
    flops: Size
    steps: tuple[tuple[Op, tuple[Factor, ...]], ...]
    reason: str
    supported: bool
    activation_bytes: Size
    live_bytes: Size
    moved_bytes: Size

    @property
    def intensity(self) -> Any:
        """Arithmetic intensity: FLOPs for each byte moved; 0 where nothing is."""
        return self.flops / self.moved_bytes if self.moved_bytes != 0 else 0


@dataclass(frozen=True)
class Profile:
    """What a model costs for one sample.

    Attributes:
        name: the model's name.
        convention: the convention of ``flops``.
        mode: ``"inference"``, or ``"training"`` with backward pass and update.
        params: parameters, each once however often its layer is called.
        trainable_params: those that training changes.
        param_bytes: bytes of the parameters by their type.
        layers: every call of every layer.
        symbols: the names of the sizes that are not known.
        recount: the same profile with sizes put in for symbols; what ``at`` calls.
        sequences: the three totals of a recurrent net where lengths were given.
    """

    name: str
    convention: str
    mode: str
    params: int
    trainable_params: int
    param_bytes: Mapping[str, int]
    layers: tuple[LayerProfile, ...]
    symbols: tuple[str, ...]
    recount: Callable[[dict[str, int]], Profile] = field(repr=False, compare=False)
    sequences: SequenceTotals | None = None

    @property
    def flops(self) -> Size:
        """The cost of one sample; an ``int`` where every size is known."""
        return total(layer.flops for layer in self.layers)

    @property
    def macs(self) -> Size:
        """Multiply–adds of matrix products and convolutions."""
        return total(layer.macs for layer in self.layers)

    @property
    def counts(self) -> Counts:
        """The scalar operations, the kinds kept apart."""
        return Counts.sum(layer.counts for layer in self.layers)

    @property
    def phases(self) -> dict[str, Size]:
        """The cost by phase: forward and, in training, backward and update."""
        costs: dict[str, list[Size]] = {}
        for layer in self.layers:
            for op, factors in layer.steps:
                costs.setdefault(op.phase, []).append(product(factors))
        return {phase: total(parts) for phase, parts in costs.items()}

    @property
    def non_trainable_params(self) -> int:
        """Parameters that training leaves as they are."""
        return self.params - self.trainable_params

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The paths of layers whose cost is missing from the totals, each with the reason."""
        return tuple(
            f"{layer.path}: {layer.reason}" for layer in self.layers if not layer.supported
        )

    @property
    def activation_bytes(self) -> Size:
        """What the outputs of all calls take together: what training keeps for one sample."""
        return total(layer.activation_bytes for layer in self.layers)

    @property
    def peak_bytes(self) -> Size:
        """The most activations alive at a time in a forward pass of one sample."""
        live = {layer.live_bytes for layer in self.layers}
        if all(isinstance(size, int) for size in live):
            return max(live, default=0)
        return sympy.Max(*live)

    @property
    def intensity(self) -> Any:
        """Arithmetic intensity: FLOPs for each byte its layers move."""
        moved = total(layer.moved_bytes for layer in self.layers)
        return self.flops / moved if moved != 0 else 0

    def at(self, **sizes: int) -> Profile:
        """The profile with sizes put in for symbols, such as ``.at(T=178)``.

        Raises:
            ValueError: if there is no such symbol or a size is not a positive integer.
        """
        for name in sizes:
            if name not in self.symbols:
                raise unknown_name(f"symbol of {self.name}", name, self.symbols or ["(none)"])
        return self.recount({name: positive(name, size) for name, size in sizes.items()})

    def to_text(self) -> str:
        """The table in plain text, as it prints."""
        return _room("table").text(self)

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return _room("table").markdown(self)

    def to_html(self) -> str:
        """The table in HTML, which notebooks show by themselves."""
        return _room("table").html(self)

    def to_json(self) -> str:
        """The table and its totals in JSON; an unknown size makes a number a string."""
        return _room("records").json_text(self)

    def to_csv(self) -> str:
        """One line a call, in CSV with a header."""
        return _room("records").csv_text(self)

    def explain(self) -> str:
        """The calculation of every layer, written out as one does it by hand."""
        return _room("explain").explain(self)

    def plot(self) -> Figure:
        """A bar chart of where FLOPs and parameters go.

        Raises:
            ValueError: if a size is unknown; give it with ``at``.
        """
        return _room("plot").plot(self)

    __str__ = to_text
    _repr_html_ = to_html


def _room(name: str) -> Any:
    # These need this module's types, so they are taken when they are asked for.
    return importlib.import_module(f"kerasnets.profiling.{name}")
