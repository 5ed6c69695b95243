"""Write a model as a LiteRT file with built-in operators only.

Keras's own export leaves operators of TensorFlow ("Flex") in every recurrent net, which the LiteRT
runtime cannot run, and converting a function without freezing its variables first silently gives
NaN. Here the variables become constants before the conversion, and loops stay loops: each recurrent
layer and direction becomes one WHILE.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasnets._lazy import stderr_held_back, tf
from kerasnets.exporting._logging import silenced
from kerasnets.exporting.litert.flatbuffer import describe_operators, with_names
from kerasnets.exporting.litert.guards import invalid_as_nan
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served

FILE = "model.tflite"
INTEGER_ACTIVATIONS = ("full-int8", "int16x8")


def check_installed() -> None:
    """Check that the LiteRT runtime, which verifies the file, is installed.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise ValueError(
            "The format 'litert' needs the LiteRT runtime. Install it with: "
            "pip install 'kerasnets[litert]'"
        )


def write_litert(
    served: Served,
    path: Path,
    metadata: Mapping[str, str],
    *,
    guarded: bool = True,
    one_row: bool = False,
) -> dict[str, Any]:
    """Write a ``.tflite`` file with a signature ``serving_default`` and named tensors.

    The batch axis is free if LiteRT can run the model like this. Recurrent layers need a fixed
    batch, so their files take one example per call. A free time axis stays free: resize the input
    before each call.

    Args:
        served: the model and its signature.
        path: the file to write.
        metadata: the entries of the model card for the metadata of the file.
        guarded: whether rows with an invalid input get NaN, which needs rows that do not depend on
            each other.
        one_row: whether the file takes one example per call in any case.

    Returns:
        An entry for the card: ``file``, ``bytes``, ``batch`` (1, or ``None`` if it is free) and
        ``operators`` (how many there are of each).

    Raises:
        ValueError: LiteRT has no operator for a part of the model.
    """
    batch, content = _convert(served, guarded, one_row)
    content = with_names(content, served, metadata)
    path.write_bytes(content)
    return {
        "file": path.name,
        "bytes": len(content),
        "batch": batch,
        "operators": describe_operators(content),
    }


def convert(
    served: Served,
    batch: int | None,
    *,
    quantize: str = "",
    samples: Sequence[Arrays] = (),
    guarded: bool = False,
) -> bytes:
    """Convert a model to the content of a ``.tflite`` file.

    Args:
        served: the model and its signature.
        batch: the size of the batch axis, or ``None`` to leave it free.
        quantize: ``"float16"`` or ``"int8"`` for the weights; ``"full-int8"`` or ``"int16x8"`` for
            weights and activations; or empty.
        samples: inputs by name, of one example each, from which the converter finds the ranges of
            integer activations.
        guarded: as for :func:`write_litert`.

    Raises:
        ValueError: LiteRT has no operator for a part of the model.
    """
    with converting(served):
        return bytes(_converter(served, batch, quantize, samples, guarded).convert())


def int8_converter(served: Served, batch: int | None, samples: Sequence[Arrays]) -> Any:
    """A converter to int8 weights and activations; see :func:`convert`."""
    return _converter(served, batch, "full-int8", samples, guarded=False)


@contextlib.contextmanager
def converting(served: Served) -> Iterator[None]:
    """Hide the output of the converter, and raise its errors as ``ValueError``."""
    with silenced("absl", "tensorflow"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the ranges of inputs, which stay float32
        try:
            with stderr_held_back():
                yield
        except Exception as error:  # the converter raises many types
            missing = sorted(set(re.findall(r"error: 'tf\.(\w+)' op", str(error))))
            reason = str(error).strip().partition("\n")[0]
            if missing:
                reason = f"LiteRT has no operator for this use of {', '.join(missing)}"
            raise ValueError(
                f"{served.model.name!r} cannot be converted to LiteRT: {reason}. Export it to the "
                "other formats only."
            ) from error


def _converter(
    served: Served, batch: int | None, quantize: str, samples: Sequence[Arrays], guarded: bool
) -> Any:
    frozen = _frozen(served, batch, guarded)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], None)
    ops = tf.lite.OpsSet
    converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS]
    if quantize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif quantize == "int16x8":
        converter.target_spec.supported_ops = [
            ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
    if quantize in INTEGER_ACTIVATIONS:
        names = [info.name for info in served.inputs]
        converter.representative_dataset = lambda: (
            [row[name] for name in names] for row in samples
        )
    return converter


def _convert(served: Served, guarded: bool, one_row: bool) -> tuple[int | None, bytes]:
    """The content of the file with a free batch axis if possible, else with a batch of one."""
    if not one_row and not _has_loops(_frozen(served, None, guarded)):
        try:
            return None, convert(served, None, guarded=guarded)
        except ValueError:
            pass  # some operators need a fixed batch
    return 1, convert(served, 1, guarded=guarded)


def _has_loops(frozen: Any) -> bool:
    nodes = frozen.graph.as_graph_def().node
    return any(node.op in ("While", "StatelessWhile") for node in nodes)


def _frozen(served: Served, batch: int | None, guarded: bool) -> Any:
    """A graph of the model in which variables are constants."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    specs = [
        tf.TensorSpec([batch, *spec.shape[1:]], spec.dtype, name=spec.name) for spec in served.specs
    ]

    def call(*tensors: Any) -> list[Any]:
        named = served(*tensors)
        outputs = [named[info.name] for info in served.outputs]
        return invalid_as_nan(served, tensors, outputs) if guarded else outputs

    function = tf.function(call, autograph=False).get_concrete_function(*specs)
    # Lowered loops would become operators that LiteRT does not have.
    return convert_variables_to_constants_v2(function, lower_control_flow=False)
