"""What servers read beside a model: warm-up and example requests, Triton's configuration."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasnets._files import atomic_write
from kerasnets._lazy import tf
from kerasnets.exporting.serving.client import rest_body
from kerasnets.exporting.serving.messages import predict_request, prediction_log
from kerasnets.exporting.signature import Served, TensorInfo
from kerasnets.exporting.verification.samples import Arrays

WARMUP = Path("assets.extra") / "tf_serving_warmup_requests"
REQUEST = "request.json"
GRPC_REQUEST = "request.pbtxt"
# The largest batch that verification runs, and that servers may put together.
MAX_BATCH = 64
_WARMUP_BATCHES = (1, 8)
_TRITON_TYPES = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"}


def write_requests(served: Served, samples: Arrays, name: str, folder: Path) -> None:
    """Write the requests TensorFlow Serving warms up with, and one to send for a start.

    ``assets.extra`` gets ``PredictionLog`` records, which the server runs before it lets a version
    answer; ``request.json`` is the body of a REST request and ``request.pbtxt`` a
    ``PredictRequest`` in the text form of protocol buffers, both with one example.

    Args:
        served: the model under its serving names.
        samples: inputs that may leave with the model: drawn ones, never those of patients.
        name: what the server calls the model.
        folder: the version folder.
    """

    def first(count: int) -> Arrays:
        rows = np.arange(count) % len(next(iter(samples.values())))
        return {key: array[rows] for key, array in samples.items()}

    path = folder / WARMUP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in _WARMUP_BATCHES:
            request = predict_request(name, first(size), "serving_default")
            writer.write(prediction_log(request))
    one = _shortest(served, first(1))
    (folder / REQUEST).write_text(rest_body(one, "serving_default") + "\n", encoding="utf-8")
    text = _pbtxt(predict_request(name, one, "serving_default"))
    (folder / GRPC_REQUEST).write_text(text, encoding="utf-8")


def _shortest(served: Served, inputs: Arrays) -> Arrays:
    """The inputs with no more steps than their length says, so that an example stays readable."""
    if not any(info.is_length for info in served.inputs):
        return inputs
    steps = max(1, int(inputs["length"].max()))
    cut = {info.name for info in served.inputs if info.is_sequence and info.shape[1] is None}
    return {name: array[:, :steps] if name in cut else array for name, array in inputs.items()}


def _pbtxt(request: object) -> str:
    from google.protobuf import text_format

    return str(text_format.MessageToString(request, as_utf8=True))


def write_triton_config(served: Served, folder: Path) -> None:
    """Write ``config.pbtxt``, from which Triton learns to serve ``model.onnx`` of each version.

    Args:
        served: the model under its serving names.
        folder: the parent of the version folders; Triton calls the model by its name.
    """
    blocks = [
        f'name: "{folder.resolve().name}"',
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {MAX_BATCH}",
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
