"""Warm-up requests and example requests for TensorFlow Serving."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format

from kerasnets._lazy import tf
from kerasnets.exporting.samples import Arrays, first_samples
from kerasnets.exporting.serving.messages import predict_request, prediction_log
from kerasnets.exporting.serving.rest import rest_body
from kerasnets.exporting.signature import Served

WARMUP = Path("assets.extra") / "tf_serving_warmup_requests"
REST_REQUEST = "request.json"
GRPC_REQUEST = "request.pbtxt"
_WARMUP_BATCHES = (1, 8)


def write_requests(served: Served, samples: Arrays, name: str, folder: Path) -> None:
    """Write warm-up requests, and an example request for REST and for gRPC.

    ``assets.extra`` gets ``PredictionLog`` records, which the server runs before a version
    becomes available. ``request.json`` is the body of a REST request and ``request.pbtxt`` is a
    ``PredictRequest`` in the text format of protocol buffers, each with one example.

    Args:
        served: the model and its signature.
        samples: inputs that may be published with the model.
        name: the name of the model on the server.
        folder: the version folder.
    """
    path = folder / WARMUP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in _WARMUP_BATCHES:
            request = predict_request(name, first_samples(samples, size), "serving_default")
            writer.write(prediction_log(request))
    example = _without_padding(served, first_samples(samples, 1))
    body = rest_body(example, "serving_default")
    (folder / REST_REQUEST).write_text(body + "\n", encoding="utf-8")
    request = predict_request(name, example, "serving_default")
    text = text_format.MessageToString(request, as_utf8=True)
    (folder / GRPC_REQUEST).write_text(text, encoding="utf-8")


def _without_padding(served: Served, inputs: Arrays) -> Arrays:
    """Cut sequences at their length, so that the example is short enough to read."""
    if not any(info.is_length for info in served.inputs):
        return inputs
    steps = max(1, int(inputs["length"].max()))
    cut = {info.name for info in served.inputs if info.is_sequence and info.shape[1] is None}
    return {name: array[:, :steps] if name in cut else array for name, array in inputs.items()}
