"""Trace the masks of lengths from few operations, and find what tells whether rows are valid.

``LengthMask`` becomes a comparison of the steps with the length. Keras itself sums ones, because
the time axis of a symbolic tensor has no size. A ``Dense`` layer on sequences becomes one
``MatMul``; Keras reshapes its inputs and outputs.

The masked sequences have no padding any more, so a guard needs no mask of its own: a row has NaN or
infinity if, and only if, the sum of its masked values has. If a ``Dense`` layer reads them, its
matrix product is summed instead, which is much smaller: the product of a value that is not finite
is not finite for any weight.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets._patching import own_attributes
from kerasnets.exporting.signature import Served

SUM = "guard/sum_of_"


@dataclass(eq=False)
class Masked:
    """A sequence with its lengths.

    Attributes:
        sequence: the values, shape ``(batch, time, features)``.
        length: the number of steps of each row, shape ``(batch,)``.
        mask: the steps that are not padding, shape ``(batch, time)``.
        count: the number of these steps: the length if it is valid. Shape ``(batch,)``.
        values: the sequence with 0 as padding.
        read: the values, or the first matrix product of them.
    """

    sequence: Any
    length: Any
    mask: Any
    count: Any
    values: Any
    read: Any

    @property
    def valid_sum(self) -> Any:
        """A finite number per row, shape ``(batch,)``, or NaN or infinity for an invalid row."""
        total = tf.reduce_sum(self.read, axis=list(range(1, len(self.read.shape))))
        return tf.where(tf.equal(self.count, tf.cast(self.length, tf.int64)), total, float("nan"))


class LengthMasks:
    """The masks of a model while it is traced."""

    def __init__(self) -> None:
        self._found: list[Masked] = []

    def of_mask(self, mask: Any) -> Masked | None:
        """The sequence with a mask, if the mask is that of lengths."""
        return next((entry for entry in self._found if entry.mask is mask), None)

    def valid_sums(self, served: Served, tensors: Sequence[Any]) -> dict[str, Any]:
        """The sums of the sequences that are inputs of a model, by ``SUM`` and their names.

        Args:
            served: the model, which was traced.
            tensors: its inputs.
        """
        inputs = {info.name: tensor for info, tensor in zip(served.inputs, tensors, strict=True)}
        found = {
            f"{SUM}{info.name}": self.of_inputs(inputs[info.name], inputs.get("length"))
            for info in served.inputs
            if info.dtype == "float32"
        }
        return {name: entry.valid_sum for name, entry in found.items() if entry is not None}

    def of_inputs(self, sequence: Any, length: Any) -> Masked | None:
        """A sequence that was masked."""
        return next((e for e in self._found if e.sequence is sequence and e.length is length), None)

    def changes(self, layers: list[Any]) -> list[tuple[Any, str, Any]]:
        """The methods of layers to replace, for :func:`~kerasnets._patching.patched`."""
        # Here, because this module imports TensorFlow, which kn.Stream must not do.
        from kerasnets.nets.layers.length_mask import LengthMask, StepsWithin

        found: list[tuple[Any, str, Any]] = []
        for layer in layers:
            if type(layer) is LengthMask:
                found += [(layer, "call", self._values), (layer, "compute_mask", self._mask)]
            elif type(layer) is StepsWithin:
                found.append((layer, "call", self._mask))
            elif _is_plain_dense(layer):
                found.append((layer, "call", functools.partial(self._dense, layer, layer.call)))
        return found

    def _values(self, inputs: Any) -> Any:
        return self._get(*inputs).values

    def _mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        del previous_mask
        return self._get(*inputs).mask

    def _get(self, sequence: Any, length: Any) -> Masked:
        entry = self.of_inputs(sequence, length)
        if entry is None:
            # Every operation becomes one ONNX node. The shapes and indices of ONNX are int64.
            time = tf.gather(tf.shape(sequence, out_type=tf.int64), 1)
            given = tf.cast(length, tf.int64)
            mask = tf.range(time) < tf.expand_dims(given, 1)
            count = tf.maximum(tf.minimum(given, time), 0)
            values = tf.where(tf.expand_dims(mask, 2), sequence, 0.0)
            entry = Masked(sequence, length, mask, count, values, values)
            self._found.append(entry)
        return entry

    def _dense(self, layer: Any, call: Any, inputs: Any, **arguments: Any) -> Any:
        if len(inputs.shape) < 3:
            return call(inputs, **arguments)
        x = tf.matmul(inputs, layer.kernel)
        if layer.bias is not None:
            x += layer.bias
        for entry in self._found:
            if entry.values is inputs and entry.read is inputs:
                entry.read = x
        return x if layer.activation is None else layer.activation(x)


def _is_plain_dense(layer: Any) -> bool:
    """Whether a layer is a ``Dense`` that nobody has changed."""
    plain = type(layer) is keras.layers.Dense and "call" not in own_attributes(layer)
    return plain and layer.compute_dtype == "float32"
