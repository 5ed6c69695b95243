"""The subjects of soak.py that predict with exported models and verify them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import kerasnets as kn

Call = Callable[[int], None]
ROWS = np.random.default_rng(0).normal(size=(8, 178)).astype("float32")


@contextlib.contextmanager
def predict(folder: Path) -> Iterator[Call]:
    """Call ``kn.predict`` with 1 to 8 rows."""
    model = kn.build("seizure-mlp")
    expected = kn.predict(model, ROWS)

    def call(number: int) -> None:
        rows = 1 + number % 8
        _check(kn.predict(model, ROWS[:rows]), expected[:rows])

    yield call


@contextlib.contextmanager
def onnx(folder: Path) -> Iterator[Call]:
    """Run a session of ONNX Runtime with 1 to 8 rows."""
    import onnxruntime

    model = kn.build("seizure-mlp")
    expected = kn.predict(model, ROWS)
    version = kn.export(model, folder / "net", ["onnx"], verify=False)
    session = onnxruntime.InferenceSession(version / "model.onnx")

    def call(number: int) -> None:
        rows = 1 + number % 8
        (logits,) = session.run(["logits"], {"signal": ROWS[:rows]})
        _check(logits, expected[:rows])

    yield call


@contextlib.contextmanager
def client(folder: Path) -> Iterator[Call]:
    """Send requests to a server on this machine, over REST and gRPC in turn."""
    from kerasnets.exporting import predict as ask
    from kerasnets.exporting import write_server_files
    from tests.exporting.serving.servers import serving

    model = kn.build("seizure-mlp")
    expected = kn.predict(model, ROWS)
    kn.export(model, folder / "net", ["saved_model"], verify=False)
    write_server_files(folder, mount=str(folder))
    with serving(folder) as server:

        def call(number: int) -> None:
            rows = 1 + number % 8
            address = server.rest if number % 2 else server.grpc
            outputs = ask(address, "net", {"signal": ROWS[:rows]}, timeout=60)
            _check(outputs["logits"], expected[:rows])

        yield call


@contextlib.contextmanager
def verify(folder: Path) -> Iterator[Call]:
    """Verify an ONNX file; each verification starts a process."""
    model = kn.build("seizure-mlp", units=(3,), samples=6)
    version = kn.export(model, folder / "net", ["onnx"], keras_file=False, verify=False)

    def call(number: int) -> None:
        difference = kn.verify(version).max_abs_diff["onnx"]
        if difference > 1e-6:
            raise RuntimeError(f"Verification {number} differs by {difference}.")

    yield call


def _check(outputs: np.ndarray, expected: np.ndarray) -> None:
    difference = float(np.abs(outputs - expected).max())
    if difference > 1e-5:
        raise RuntimeError(f"The outputs differ by {difference} from those of the first call.")
