"""A test server that replaces ``tensorflow_model_server`` if that is not installed.

    python -m tests.exporting.serving.model_server MODELS.config

It reads the official ``models.config``, loads every model through the C++ loader and replays its
warm-up requests. Then it serves ``PredictionService.Predict`` of the official gRPC definitions and
the columnar format of the REST API on free ports of 127.0.0.1. It prints both ports as one line of
JSON, and stops when its standard input is closed. Neither Keras nor kerasnets can be imported.
"""

from __future__ import annotations

import http.server
import json
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.modules |= dict.fromkeys(("keras", "kerasnets"))

import grpc  # noqa: E402  # after Keras and kerasnets are blocked
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2  # noqa: E402

from tests.exporting.serving.cpp_session import CppSession  # noqa: E402

WARMUP = "assets.extra/tf_serving_warmup_requests"
# Requests to this model take longer than the timeout of the client.
SLOW = "slow"


class Model:
    """The highest version of a model, after its warm-up requests."""

    def __init__(self, base: Path) -> None:
        self.version = max(int(path.name) for path in base.iterdir() if path.name.isdigit())
        self.session = CppSession(base / str(self.version))
        self.lock = threading.Lock()
        self.warmed_up = 0
        for record in tf.data.TFRecordDataset(str(base / str(self.version) / WARMUP)):
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            request = log.predict_log.request
            arrays = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            self.run(request.model_spec.signature_name, arrays)
            self.warmed_up += 1

    def run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self.lock:
            return self.session.run(signature or "serving_default", inputs)

    def typed(self, signature: str, columns: dict[str, Any]) -> dict[str, np.ndarray]:
        """Convert JSON columns to arrays of the types in the signature."""
        known = dict(self.session.signatures[signature].inputs)
        return {
            name: np.array(values, tf.as_dtype(known[name].dtype).as_numpy_dtype)
            for name, values in columns.items()
        }


class Grpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models: dict[str, Model]) -> None:
        self.models = models

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802  # the service's own name
        spec = request.model_spec
        if spec.name == SLOW:
            time.sleep(2)
        model = self.models.get(spec.name)
        if model is None or spec.version.value not in (0, model.version):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found: {spec.name}")
        try:
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            outputs = model.run(spec.signature_name, inputs)
        except (ValueError, TypeError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = predict_pb2.PredictResponse()
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(as_fields(array))
        return response


def as_fields(array: np.ndarray) -> Any:
    """A tensor in a repeated field, as the server writes it by default."""
    if array.dtype == object:
        return tf.make_tensor_proto(array)
    proto = tf.make_tensor_proto(np.zeros((), array.dtype))
    proto.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
    proto.ClearField("float_val")
    proto.float_val.extend(array.ravel().tolist())
    return proto


class Rest(http.server.BaseHTTPRequestHandler):
    models: dict[str, Model]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match = re.fullmatch(r"/v1/models/([^/:]+)(?:/versions/(\d+))?:predict", self.path)
        if match and match[1] == SLOW:
            time.sleep(2)
        model = self.models.get(match[1]) if match else None
        if model is None or int(match[2] or model.version) != model.version:
            return self.respond(404, {"error": f"Servable not found for request: {self.path}"})
        try:
            request = json.loads(body)
            signature = request.get("signature_name", "serving_default")
            outputs = model.run(signature, model.typed(signature, request["inputs"]))
        except (ValueError, KeyError, TypeError) as error:
            return self.respond(400, {"error": str(error)})
        lists = {
            name: array.astype(str).tolist() if array.dtype == object else array.tolist()
            for name, array in outputs.items()
        }
        # As the server does, leave the name out if there is only one output.
        return self.respond(
            200, {"outputs": lists if len(lists) > 1 else next(iter(lists.values()))}
        )

    def respond(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    config = text_format.Parse(
        Path(sys.argv[1]).read_text("utf-8"), model_server_config_pb2.ModelServerConfig()
    )
    models = {entry.name: Model(Path(entry.base_path)) for entry in config.model_config_list.config}
    service = grpc.server(ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Grpc(models), service)
    grpc_port = service.add_insecure_port("127.0.0.1:0")
    service.start()
    rest = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Own", (Rest,), {"models": models})
    )
    threading.Thread(target=rest.serve_forever, args=(0.02,), daemon=True).start()
    warmed = {name: model.warmed_up for name, model in models.items()}
    print(json.dumps({"grpc": grpc_port, "rest": rest.server_port, "warm": warmed}), flush=True)
    sys.stdin.read()
    service.stop(None)
    rest.shutdown()


if __name__ == "__main__":
    main()
