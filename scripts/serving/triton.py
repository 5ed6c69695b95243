"""Serve exported models with Triton, and compare its answers with those of Keras.

    python -m venv triton && triton/bin/pip install nvidia-pytriton onnxruntime
    python scripts/serving/triton.py --environment triton [exported/seizure-gru …]

The package nvidia-pytriton has Triton's own server for Linux, with its Python backend only. So a
copy of each model has its config.pbtxt with one line changed: the backend. A short model.py runs
model.onnx in ONNX Runtime. Triton parses the config, checks types and shapes, pads nothing, and
answers the client of kerasnets over the KServe V2 protocol. The environment is one of its own,
because nvidia-pytriton needs an older NumPy; its Python must be the one that Triton has a stub for.
The exit code is 1 if an answer differs from reference.npz by more than 1e-5.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kerasnets.exporting import predict
from kerasnets.exporting.verification.runtimes import compare, read_reference
from kerasnets.exporting.versions import list_versions

ROOT = Path(__file__).resolve().parents[2]
MODELS = [ROOT / "exported" / name for name in ("seizure-gru", "seizure-cnn", "mortality-gru")]
PLATFORM = 'platform: "onnxruntime_onnx"'
BACKEND = '''\
"""Run model.onnx, for Triton's Python backend."""

import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, args):
        folder = f"{args['model_repository']}/{args['model_version']}"
        self.session = onnxruntime.InferenceSession(f"{folder}/model.onnx")

    def execute(self, requests):
        names = [value.name for value in self.session.get_outputs()]
        responses = []
        for request in requests:
            inputs = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
            arrays = self.session.run(names, inputs)
            tensors = [triton.Tensor(name, array) for name, array in zip(names, arrays)]
            responses.append(triton.InferenceResponse(tensors))
        return responses
'''
SECONDS = 60


def main() -> int:
    """Serve the models and print the largest differences."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="*", default=MODELS, metavar="FOLDER")
    parser.add_argument("--environment", type=Path, required=True, help="the one with pytriton")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="triton-") as scratch:
        repository = Path(scratch, "models")
        for folder in arguments.folders:
            copy_model(folder, repository)
        with serving(repository, arguments.environment, Path(scratch)) as address:
            for folder in arguments.folders:
                for case, difference, failures in answers(folder, address):
                    failed |= bool(failures)
                    print(f"{folder.name} {case}: {difference:.1e} {'; '.join(failures)}")
    return int(failed)


def copy_model(folder: Path, repository: Path) -> None:
    """Copy the highest version of a model, for the Python backend."""
    version = str(list_versions(folder)[-1])
    target = repository / folder.name / version
    target.mkdir(parents=True)
    config = (folder / "config.pbtxt").read_text(encoding="utf-8")
    if PLATFORM not in config:
        raise ValueError(f"{folder / 'config.pbtxt'} has no line {PLATFORM}")
    changed = config.replace(PLATFORM, 'backend: "python"')
    (target.parent / "config.pbtxt").write_text(changed, encoding="utf-8")
    shutil.copy(folder / version / "model.onnx", target)
    (target / "model.py").write_text(BACKEND, encoding="utf-8")


@contextlib.contextmanager
def serving(repository: Path, environment: Path, scratch: Path) -> Iterator[str]:
    """Run Triton while the block runs; yield its address."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = environment.resolve() / "lib" / f"python{python}" / "site-packages"
    triton = packages / "pytriton" / "tritonserver"
    backends = scratch / "backends"
    shutil.copytree(triton / "backends", backends)
    stub = triton / "python_backend_stubs" / python / "triton_python_backend_stub"
    shutil.copy(stub, backends / "python")
    (backends / "python" / stub.name).chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    libraries = packages / "nvidia_pytriton.libs"
    command = [
        triton / "bin" / "tritonserver", f"--model-repository={repository}",
        f"--backend-directory={backends}", "--http-address=127.0.0.1", f"--http-port={port}",
        "--allow-grpc=false", "--allow-metrics=false", "--exit-timeout-secs=5",
    ]  # fmt: skip
    paths = os.pathsep.join((str(libraries), os.environ.get("LD_LIBRARY_PATH", "")))
    # The Python of the backend takes its packages from the first python in PATH.
    programs = os.pathsep.join((str(environment.resolve() / "bin"), os.environ["PATH"]))
    variables = os.environ | {"PATH": programs, "LD_LIBRARY_PATH": paths}
    variables.pop("PYTHONPATH", None)
    (triton / "bin" / "tritonserver").chmod(0o755)
    with (scratch / "log.txt").open("w+b") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            if not is_ready(address, process):
                raise RuntimeError(f"Triton does not start:\n{(scratch / 'log.txt').read_text()}")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def is_ready(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until all models are loaded."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=2)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == 200:
                return True
        time.sleep(0.2)
    return False


def answers(folder: Path, address: str) -> Iterator[tuple[str, float, list[str]]]:
    """The largest difference of each case, and what is wrong."""
    cases = read_reference(folder / str(list_versions(folder)[-1]) / "reference.npz")
    for case, (inputs, outputs) in cases.items():
        sent = [array for array in inputs.values() if array.dtype.kind == "f"]
        if not all(len(a) and np.isfinite(a).all() for a in sent) or case.startswith("invalid"):
            continue  # JSON has no NaN, and the protocol has no empty batch
        # Triton has no inputs with a single value per row; config.pbtxt makes it a row of length 1.
        columns = {name: a[:, None] if a.ndim == 1 else a for name, a in inputs.items()}
        got = predict(address, folder.name, columns, protocol="kserve")
        results = [compare(name, got[name], value, 1e-5) for name, value in outputs.items()]
        yield case, max(r[0] for r in results), [text for r in results for text in r[1]]


if __name__ == "__main__":
    sys.exit(main())
