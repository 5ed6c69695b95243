"""What servers read beside the model: TensorFlow Serving's warm-up requests, Triton's config."""

from __future__ import annotations

from pathlib import Path

from kerasnets._files import atomic_write
from kerasnets._lazy import tf
from kerasnets.exporting.reference import as_samples
from kerasnets.exporting.signature import Served, TensorInfo

WARMUP = Path("assets.extra") / "tf_serving_warmup_requests"
_WARMUP_BATCHES = (1, 8)
# The largest batch that verification runs.
_MAX_BATCH = 64
_TRITON_TYPES = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"}


def write_warmup(served: Served, name: str, folder: Path) -> None:
    """Write the requests TensorFlow Serving runs before it lets a version answer.

    They are ``PredictionLog`` records for ``serving_default`` with drawn noise as inputs, never
    with data that was given to the export.

    Args:
        served: the model under its serving names.
        name: what the server calls the model.
        folder: the version folder; the file goes to ``assets.extra`` in it.
    """
    samples = as_samples(served, None)
    path = folder / WARMUP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in _WARMUP_BATCHES:
            # PredictRequest: the model as field 1, each entry of the inputs as field 2.
            request = _field(1, _field(1, name.encode()) + _field(3, b"serving_default"))
            for key, array in samples.items():
                tensor = tf.make_tensor_proto(array[:size]).SerializeToString()
                request += _field(2, _field(1, key.encode()) + _field(2, tensor))
            # PredictionLog.predict_log is field 6, PredictLog.request field 1.
            writer.write(_field(6, _field(1, request)))


def _field(number: int, content: bytes) -> bytes:
    """A field of strings, bytes or messages as protocol buffers write it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def write_triton_config(served: Served, folder: Path) -> None:
    """Write ``config.pbtxt``, from which Triton learns to serve ``model.onnx`` of each version.

    Args:
        served: the model under its serving names.
        folder: the parent of the version folders; Triton calls the model by its name.
    """
    blocks = [
        f'name: "{folder.resolve().name}"',
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {_MAX_BATCH}",
        *(_triton_tensor("input", info) for info in served.inputs),
        *(_triton_tensor("output", info) for info in served.outputs),
    ]
    with atomic_write(folder / "config.pbtxt") as temporary:
        temporary.write_text("\n".join(blocks) + "\n", encoding="utf-8")


def _triton_tensor(side: str, info: TensorInfo) -> str:
    kind = _TRITON_TYPES.get(info.dtype, info.dtype.upper())
    axes = ", ".join("-1" if axis is None else str(axis) for axis in info.shape[1:])
    # Triton has no tensors without axes: one number a row comes as a row of one.
    shape = f"dims: [ {axes} ]" if axes else "dims: [ 1 ] reshape: { shape: [ ] }"
    return f'{side} [ {{ name: "{info.name}" data_type: TYPE_{kind} {shape} }} ]'
