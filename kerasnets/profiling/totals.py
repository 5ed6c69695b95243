"""The numbers of a profile: one row per layer call, and their totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from kerasnets.profiling.counts import Counts, Op
from kerasnets.profiling.sizes import Factor, Shape, Size, product, total


@dataclass(frozen=True)
class LayerProfile:
    """The cost of one call of one layer.

    Attributes:
        path: the names of the enclosing models and of the layer, separated by slashes.
        type: the class name of the layer.
        output_shapes: the output shapes for one sample, without the batch axis.
        params: the number of parameters; 0 if an earlier call of the same layer has them.
        trainable_params: the number of trainable parameters among them.
        weights: the shapes of these parameters.
        counts: the scalar operations by kind.
        macs: the multiply–adds of matrix products and convolutions.
        flops: the cost under the convention of the profile.
        steps: the steps of the computation, each with the factors of its cost.
        reason: why nothing is counted; ``""`` if something is.
        supported: whether everything that the layer computes is counted.
        activation_bytes: the size of the outputs for one sample.
        live_bytes: the size of all activations that are alive during the call.
        moved_bytes: the size of the inputs, weights and outputs together.
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
        """Arithmetic intensity: FLOPs per byte moved; 0 if no bytes are moved."""
        return self.flops / self.moved_bytes if self.moved_bytes != 0 else 0


@dataclass(frozen=True)
class SequenceTotals:
    """The cost of a recurrent network on a set of sequences, under the profile's convention.

    Attributes:
        samples: the number of sequences.
        time: the number of time steps that the sequences are padded to.
        per_step: the cost of one step of all recurrent layers together, for one sequence.
        padded: the cost of the network on all sequences at their padded length.
        true: the cost of the network on each sequence at its true length. If the model has a
            fixed number of time steps, only the recurrent layers save steps.
    """

    samples: int
    time: int
    per_step: Size
    padded: Size
    true: Size


@dataclass(frozen=True, kw_only=True)
class ProfileTotals:
    """The numbers of a profile: what a model costs for one sample.

    Attributes:
        name: the name of the model.
        convention: the convention of ``flops``.
        mode: ``"inference"``, or ``"training"`` with backward pass and weight update.
        params: the number of parameters; those of a shared layer count once.
        trainable_params: the number of trainable parameters.
        param_bytes: the size of the parameters in bytes, by data type.
        layers: one row per call of a layer.
        symbols: the names of the unknown sizes.
        sequences: the cost on sequences of known lengths, if lengths were passed.
    """

    name: str
    convention: str
    mode: str
    params: int
    trainable_params: int
    param_bytes: Mapping[str, int]
    layers: tuple[LayerProfile, ...]
    symbols: tuple[str, ...]
    sequences: SequenceTotals | None = None

    @property
    def flops(self) -> Size:
        """The cost of one sample; an ``int`` if every size is known."""
        return total(layer.flops for layer in self.layers)

    @property
    def macs(self) -> Size:
        """The multiply–adds of matrix products and convolutions."""
        return total(layer.macs for layer in self.layers)

    @property
    def counts(self) -> Counts:
        """The scalar operations by kind."""
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
        """The number of parameters that training does not change."""
        return self.params - self.trainable_params

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The layers that are missing from the totals: the path of each with the reason."""
        return tuple(
            f"{layer.path}: {layer.reason}" for layer in self.layers if not layer.supported
        )

    @property
    def activation_bytes(self) -> Size:
        """The size of the outputs of all calls, which training keeps for one sample."""
        return total(layer.activation_bytes for layer in self.layers)

    @property
    def peak_bytes(self) -> Size:
        """The largest size of activations alive at one time in the forward pass of one sample."""
        live = {layer.live_bytes for layer in self.layers}
        if all(isinstance(size, int) for size in live):
            return max(live, default=0)
        return sympy.Max(*live)

    @property
    def intensity(self) -> Any:
        """Arithmetic intensity: FLOPs per byte moved; 0 if no bytes are moved."""
        moved = total(layer.moved_bytes for layer in self.layers)
        return self.flops / moved if moved != 0 else 0
