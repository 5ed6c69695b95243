"""A small server of the KServe V2 protocol that runs an ONNX file in ONNX Runtime."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime

_DTYPES = {"FP32": "float32", "INT32": "int32"}


@contextlib.contextmanager
def kserve(name: str, path: Path) -> Iterator[str]:
    """Serve one model while the block runs; yield the address of the server."""
    session = onnxruntime.InferenceSession(path)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path not in (f"/v2/models/{name}/infer", f"/v2/models/{name}/versions/1/infer"):
                self.answer(404, {"error": f"Model {self.path} not found"})
                return
            feed = {
                tensor["name"]: np.array(tensor["data"], _DTYPES[tensor["datatype"]]).reshape(
                    tensor["shape"]
                )
                for tensor in body["inputs"]
            }
            names = [output.name for output in session.get_outputs()]
            outputs = [
                {
                    "name": output,
                    "shape": list(array.shape),
                    "datatype": "FP32",
                    "data": array.ravel().tolist(),
                }
                for output, array in zip(names, session.run(names, feed), strict=True)
            ]
            self.answer(200, {"model_name": name, "outputs": outputs})

        def answer(self, status: int, content: dict) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
