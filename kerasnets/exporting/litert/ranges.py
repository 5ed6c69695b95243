"""Convert a classifier to int8 activations, in ranges for which it keeps its predictions.

The converter gives each activation the range of its values for the calibration examples. A few
large values make the 256 steps of that range coarse for all others. If this changes predictions,
the first and the last layer compute in float32, because the steps of the inputs and of the logits
cost most. For each other activation, the range is chosen for which the probabilities differ least
from those of Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.litert.flatbuffer import operator_kinds, packed, with_names
from kerasnets.exporting.litert.write_litert import converting, int8_converter
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes.litert_check import (
    load_litert_content,
    read_model,
)
from kerasnets.exporting.weights_report import agreement

# The agreement on the calibration examples for which the ranges of the converter are kept.
_ENOUGH = 0.995
# The share of the values of an activation that are not clipped, in percent.
_KEPT = (100.0, 99.98, 99.9, 99.8, 99.5, 99.2, 99.0, 98.5, 98.0, 97.0, 96.0, 95.0, 93.0)
_START = 99.5
_ROUNDS = 2
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D")
# Their outputs have the range of their inputs.
_SAME_RANGE = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE", "TRANSPOSE", "MAX_POOL_2D")


@dataclass(frozen=True)
class Converted:
    """A file with int8 activations.

    Attributes:
        content: the content of the file.
        kept_percent: how much of the values of each activation was not clipped, in the order of the
            operators. Empty if the converter chose the ranges.
        float32: the operators with weights that compute in float32, in their order.
    """

    content: bytes
    kept_percent: tuple[float, ...] = ()
    float32: tuple[str, ...] = ()


def convert_with_best_ranges(served: Served, batch: int | None, calibration: Arrays) -> Converted:
    """Convert a model to int8 weights and activations.

    Args:
        served: the model.
        batch: the size of the batch axis, or ``None`` to leave it free.
        calibration: raw training examples by input name.

    Returns:
        The file with the ranges of the converter if it predicts the class of Keras for almost all
        calibration examples, or if the model is not a classifier; else that with the best ranges.

    Raises:
        ValueError: LiteRT has no operator for a part of the model.
    """
    expected = served.run(calibration)

    def run(content: bytes) -> Arrays:
        return dict(load_litert_content(with_names(content, served, {}))[2](calibration))

    with converting(served):
        model = _Calibrated(int8_converter(served, batch, one_by_one(calibration)))
        plain = Converted(model.convert())
        found = agreement(served, run(plain.content), expected) if served.is_classifier else 1.0
        if found >= _ENOUGH or not model.keep_ends_in_float32():
            return plain
        values = model.activations(calibration)
        kept = dict.fromkeys(values, _START)

        def convert(changed: dict[int, float]) -> bytes:
            return model.convert({i: _range(values[i], share) for i, share in changed.items()})

        def difference(changed: dict[int, float]) -> float:
            return _divergence(served, run(convert(changed)), expected)

        for _ in range(_ROUNDS):
            for index in values:
                trials = {share: difference(kept | {index: share}) for share in _KEPT}
                kept[index] = min(trials, key=lambda share: trials[share])
        best = Converted(convert(kept), tuple(kept.values()), tuple(model.float32))
        return best if agreement(served, run(best.content), expected) > found else plain


class _Calibrated:
    """A model with ranges from the calibration, to be converted with other ranges."""

    def __init__(self, converter: Any) -> None:
        # Its public interface is the only one that takes ranges and operators to leave in float32.
        self._debugger = tf.lite.experimental.QuantizationDebugger(converter=converter)
        self._original = self._debugger.calibrated_model
        model = read_model(self._original)
        self._graph = model.subgraphs[0]
        self._kinds = operator_kinds(model, self._graph)
        self._int8 = list(self._graph.operators)
        self.float32: list[str] = []

    def keep_ends_in_float32(self) -> bool:
        """Leave the first and the last layer with weights, and all outside of them, in float32.

        Of two layers, only the last one stays in float32.

        Returns:
            Whether there are other layers.
        """
        weighted = [i for i, kind in enumerate(self._kinds) if kind in _WEIGHTED]
        if len(weighted) < 2:
            return False
        ends = [weighted[0], weighted[-1]] if len(weighted) > 2 else [weighted[-1]]
        self.float32 = [self._kinds[index] for index in ends]
        start, end = weighted[0] + len(ends) - 1, weighted[-1]
        tensors = self._graph.tensors
        self._int8 = self._graph.operators[start:end]
        outside = [*self._graph.operators[:start], *self._graph.operators[end:]]
        self._debugger.options = tf.lite.experimental.QuantizationDebugOptions(
            denylisted_nodes=[tensors[operator.outputs[0]].name.decode() for operator in outside]
        )
        return True

    def activations(self, calibration: Arrays) -> dict[int, np.ndarray]:
        """The values of the int8 activations that have ranges of their own, by tensor."""
        from ai_edge_litert.interpreter import Interpreter

        source = self._sources()
        tensors = self._graph.tensors
        indices = dict.fromkeys(
            source[index]
            for operator in self._int8
            for index in (*operator.inputs, *operator.outputs)
            if index in source and tensors[index].quantization.min is not None
        )
        interpreter = Interpreter(
            model_content=self._original, experimental_preserve_all_tensors=True
        )
        interpreter.allocate_tensors()
        inputs = {detail["name"]: detail["index"] for detail in interpreter.get_input_details()}
        found: dict[int, list[np.ndarray]] = {index: [] for index in indices}
        for row in one_by_one(calibration):
            for name, value in row.items():
                interpreter.set_tensor(inputs[name], value)
            interpreter.invoke()
            for index, rows in found.items():
                rows.append(interpreter.get_tensor(index).ravel())
        return {index: np.concatenate(rows) for index, rows in found.items()}

    def _sources(self) -> dict[int, int]:
        """For each activation, the one whose range it has."""
        found = {index: index for index in self._graph.inputs}
        for operator, kind in zip(self._graph.operators, self._kinds, strict=True):
            (output, *_), first = operator.outputs, operator.inputs[0]
            found[output] = found.get(first, output) if kind in _SAME_RANGE else output
        return found

    def convert(self, ranges: dict[int, tuple[float, float]] | None = None) -> bytes:
        """The content of the file with the given ranges of some activations."""
        model, source = read_model(self._original), self._sources()
        for index, tensor in enumerate(model.subgraphs[0].tensors):
            low_high = (ranges or {}).get(source.get(index, -1))
            if low_high is not None:
                tensor.quantization.min, tensor.quantization.max = ([x] for x in low_high)
        self._debugger.calibrated_model = packed(model)
        return bytes(self._debugger.get_nondebug_quantized_model())


def _range(values: np.ndarray, share: float) -> tuple[float, float]:
    """The range that has a share of the values, in percent."""
    outside = 100 - share
    if values.min() >= 0:
        return 0.0, float(np.percentile(values, share))
    low, high = np.percentile(values, [outside / 2, 100 - outside / 2])
    return float(low), float(high)


def _divergence(served: Served, got: Arrays, expected: Arrays) -> float:
    """The mean divergence (Kullback-Leibler) of the probabilities from those of Keras."""
    name = served.outputs[0].name
    p, q = (np.clip(outputs[name], 1e-6, 1 - 1e-6) for outputs in (expected, got))
    return float(np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))))


def one_by_one(arrays: Arrays) -> list[Arrays]:
    """The examples of arrays, each as a batch of one."""
    rows = len(next(iter(arrays.values())))
    return [{name: array[row : row + 1] for name, array in arrays.items()} for row in range(rows)]
