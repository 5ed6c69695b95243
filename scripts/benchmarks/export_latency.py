"""Latency of a request: our ONNX file, Keras's ONNX file, PyTorch eager, PyTorch's ONNX file.

    python scripts/benchmarks/export_latency.py [--nets NET …] [--rounds 60] [--json FILE]

Needs torch in a separate environment, because this project does not depend on it. All four have the
same weights and must return the same outputs. Each uses one thread. They take turns in every round,
so that other work on the machine affects all of them. The results are medians in milliseconds, and
ratios to our ONNX file. With --json, the file keeps the results of nets that are not measured.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
import torch_nets
from torch import nn

import kerasnets as kn
from kerasnets._files import write_json
from kerasnets._lazy import import_tensorflow, keras
from kerasnets._tables import markdown_table

NETS = (
    "seizure-gru", "seizure-gru-2", "seizure-gru-5", "seizure-gru-2x32",
    "seizure-mlp", "seizure-mlp-wide", "seizure-cnn", "lenet5",
)  # fmt: skip
BATCHES = (1, 32, 256)
OURS, KERAS, EAGER, TORCH = "kerasnets ONNX", "Keras ONNX", "PyTorch eager", "PyTorch ONNX"
_CALLS = 5  # consecutive calls, so that caches are as warm as in a server
Runner = Callable[[np.ndarray], np.ndarray]


class Twin(nn.Module):
    """The net as a PyTorch user writes it, with the weights and raw inputs of a Keras net."""

    def __init__(self, name: str, net: Any) -> None:
        super().__init__()
        self.image = len(net.input_shape) == 4
        self.net = torch_nets.NETS[name]()
        copy_weights(net, self.net)

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        """Map raw values to logits."""
        return self.net(raw.permute(0, 3, 1, 2) / 255 if self.image else raw)


def copy_weights(net: Any, twin: nn.Module) -> None:
    """Copy the weights of a Keras net to a PyTorch net with the same layers in the same order."""
    layers = iter([layer for layer in net.layers if layer.weights])
    flat = next((layer for layer in net.layers if isinstance(layer, keras.layers.Flatten)), None)
    for module in twin.modules():
        if isinstance(module, nn.GRU):
            for number in range(module.num_layers):
                _copy_gru(next(layers), module, number)
        elif isinstance(module, nn.Conv1d | nn.Conv2d):
            kernel, bias = next(layers).get_weights()
            _copy(module, np.moveaxis(kernel, (-1, -2), (0, 1)), bias)
        elif isinstance(module, nn.Linear):
            kernel, bias = next(layers).get_weights()
            if flat is not None:  # channels are last in Keras, first in PyTorch
                shape = flat.input.shape[1:]
                kernel = np.moveaxis(kernel.reshape(*shape, -1), len(shape) - 1, 0)
                kernel, flat = kernel.reshape(-1, kernel.shape[-1]), None
            _copy(module, kernel.T, bias)


def _copy(module: Any, weight: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(weight.copy()))
        module.bias.copy_(torch.from_numpy(bias))


def _copy_gru(layer: Any, gru: nn.GRU, number: int) -> None:
    kernel, recurrent, bias = layer.get_weights()
    arrays = {"weight_ih": kernel, "weight_hh": recurrent, "bias_ih": bias[0], "bias_hh": bias[1]}
    for name, array in arrays.items():
        update, reset, new = np.split(array, 3, axis=-1)
        gates = np.concatenate([reset, update, new], axis=-1).T.copy()
        with torch.no_grad():
            getattr(gru, f"{name}_l{number}").copy_(torch.from_numpy(gates))


def runners(name: str, folder: Path) -> dict[str, Runner]:
    """Four functions from an array to logits that run the same net in different runtimes."""
    keras.utils.set_random_seed(0)
    net = kn.build(name)
    twin = Twin(name, net).eval()
    example = torch.zeros(1, *net.input_shape[1:])
    exported = kn.export(net, folder / name, "onnx", verify=False)
    theirs = folder / f"{name}-keras.onnx"
    net.export(str(theirs), format="onnx", verbose=False)
    from_torch = folder / f"{name}-torch.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            *(twin, (example,), str(from_torch)),
            input_names=["signal"],
            output_names=["logits"],
            dynamic_axes={"signal": {0: "batch"}, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )

    def eager(signal: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return twin(torch.from_numpy(signal)).numpy()

    return {
        OURS: _session(exported / "model.onnx"),
        KERAS: _session(theirs),
        EAGER: eager,
        TORCH: _session(from_torch),
    }


def _session(path: Path) -> Runner:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    logits = "logits" if "logits" in outputs else outputs[0]
    (signal,) = (entry.name for entry in session.get_inputs())
    return lambda array: session.run([logits], {signal: array})[0]


def measure(
    by_runtime: dict[str, Runner], shape: tuple[int, ...], batch: int, rounds: int
) -> dict[str, float]:
    """Median milliseconds of each runner. All must return the same outputs."""
    x = np.random.default_rng(batch).normal(size=(batch, *shape)).astype("float32")
    x = 255 * (x > 0).astype("float32") if len(shape) == 3 else x
    expected = by_runtime[OURS](x)
    for runtime, run in by_runtime.items():
        np.testing.assert_allclose(run(x), expected, atol=1e-5, err_msg=runtime)
        for _ in range(_CALLS):
            run(x)
    times: dict[str, list[float]] = {runtime: [] for runtime in by_runtime}
    for _ in range(rounds):
        for runtime, run in by_runtime.items():
            for _ in range(_CALLS):
                start = time.perf_counter()
                run(x)
                times[runtime].append(time.perf_counter() - start)
    return {runtime: 1000 * float(np.median(seconds)) for runtime, seconds in times.items()}


def main() -> None:
    """Measure every net at every batch size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=NETS, metavar="NET")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    arguments = parser.parse_args()
    import_tensorflow()
    torch.set_num_threads(1)
    kept = arguments.json
    report: dict[str, Any] = json.loads(kept.read_text()) if kept and kept.exists() else {}
    packages = ("torch", "onnxruntime", "keras", "tensorflow", "onnx")
    report |= {
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count()},
        "load": os.getloadavg(),
        "rounds": arguments.rounds,
    }
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.nets:
            by_runtime = runners(name, Path(scratch))
            shape = kn.build(name).input_shape[1:]
            report.setdefault("milliseconds", {})[name] = {
                str(batch): measure(by_runtime, shape, batch, arguments.rounds) for batch in BATCHES
            }
            nodes = onnx.load(Path(scratch) / name / "1" / "model.onnx").graph.node
            report.setdefault("nodes", {})[name] = len(nodes)
    print(table(report["milliseconds"]))
    if kept:
        write_json(kept, report)


def table(milliseconds: dict[str, dict[str, dict[str, float]]]) -> str:
    """The table of all results."""
    rows = []
    for name in (name for name in NETS if name in milliseconds):
        for batch, medians in milliseconds[name].items():
            ratios = [medians[runtime] / medians[OURS] for runtime in (KERAS, EAGER, TORCH)]
            cells = [f"{medians[runtime]:.3f}" for runtime in (OURS, KERAS, EAGER, TORCH)]
            rows.append([f"`{name}`", batch, *cells, *(f"{ratio:.1f}" for ratio in ratios)])
    ratios = ("Keras / ours", "eager / ours", "PyTorch ONNX / ours")
    titles = ("net", "batch", OURS, KERAS, EAGER, TORCH, *ratios)
    return markdown_table(titles, rows, "l" + "r" * (len(titles) - 1))


if __name__ == "__main__":
    main()
