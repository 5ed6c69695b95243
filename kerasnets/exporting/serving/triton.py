"""The configuration of Triton for an exported model."""

from __future__ import annotations

from pathlib import Path

from kerasnets._files import atomic_write
from kerasnets.exporting.samples import EXAMPLES
from kerasnets.exporting.signature import Served, TensorInfo

_TYPES = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"}


def write_triton_config(served: Served, folder: Path) -> None:
    """Write ``config.pbtxt``, which configures Triton to serve ``model.onnx``.

    Args:
        served: the model and its signature.
        folder: the parent of the version folders. Its name is the name of the model in Triton.
    """
    blocks = [
        f'name: "{folder.resolve().name}"',
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {EXAMPLES}",
        *(_tensor("input", info) for info in served.inputs),
        *(_tensor("output", info) for info in served.outputs),
    ]
    with atomic_write(folder / "config.pbtxt") as temporary:
        temporary.write_text("\n".join(blocks) + "\n", encoding="utf-8")


def _tensor(side: str, info: TensorInfo) -> str:
    kind = _TYPES.get(info.dtype, info.dtype.upper())
    axes = ", ".join("-1" if axis is None else str(axis) for axis in info.shape[1:])
    # Triton needs at least one axis besides the batch: a scalar per row becomes a row of length 1.
    shape = f"dims: [ {axes} ]" if axes else "dims: [ 1 ] reshape: { shape: [ ] }"
    return f'{side} [ {{ name: "{info.name}" data_type: TYPE_{kind} {shape} }} ]'
