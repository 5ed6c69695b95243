"""How long a net takes a request: our ONNX, Keras's own, PyTorch eager, PyTorch's ONNX.

    python scripts/benchmarks/export_latency.py [--rounds 60] [--json FILE]

Needs torch, in an environment of its own: this project does not depend on it. All four have the
same weights and must give the same numbers. Each has one thread, and takes its turn in every round,
so that what else the machine does hits all alike. Medians in milliseconds, and ratios to ours.
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
from torch import nn

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras

NETS = ("seizure-gru", "seizure-gru-2", "seizure-gru-5", "seizure-gru-2x32")
BATCHES = (1, 32)
OURS, KERAS, EAGER, TORCH = "kerasnets ONNX", "Keras ONNX", "PyTorch eager", "PyTorch ONNX"
_CALLS = 5  # in a row, so that caches are as warm as when serving
Runner = Callable[[np.ndarray], np.ndarray]


class Twin(nn.Module):
    """The PyTorch net with the weights of a Keras one: GRU layers, dense layers, last step."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        layers = [layer for layer in net.layers if isinstance(layer, keras.layers.GRU)]
        self.grus = nn.ModuleList(_gru(layer) for layer in layers)
        dense = [layer for layer in net.layers if isinstance(layer, keras.layers.Dense)]
        self.dense = nn.ModuleList(_linear(layer) for layer in dense)

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        """Shape (batch, samples) to (batch, classes)."""
        x = signal.unsqueeze(-1)
        for gru in self.grus:
            x = gru(x)[0]
        x = x[:, -1]
        for layer in self.dense[:-1]:
            x = torch.relu(layer(x))
        return self.dense[-1](x)


def _gru(layer: Any) -> nn.GRU:
    kernel, recurrent, bias = (np.array(weight) for weight in layer.get_weights())
    gru = nn.GRU(kernel.shape[0], layer.units, batch_first=True)

    def gates(array: np.ndarray) -> torch.Tensor:
        update, reset, new = np.split(array, 3, axis=-1)
        return torch.from_numpy(np.concatenate([reset, update, new], axis=-1).T.copy())

    with torch.no_grad():
        gru.weight_ih_l0.copy_(gates(kernel))
        gru.weight_hh_l0.copy_(gates(recurrent))
        gru.bias_ih_l0.copy_(gates(bias[0]))
        gru.bias_hh_l0.copy_(gates(bias[1]))
    return gru


def _linear(layer: Any) -> nn.Linear:
    kernel, bias = (np.array(weight) for weight in layer.get_weights())
    linear = nn.Linear(*kernel.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(kernel.T.copy()))
        linear.bias.copy_(torch.from_numpy(bias))
    return linear


def runners(name: str, folder: Path) -> dict[str, Runner]:
    """The four ways to run a net, each from an array to logits."""
    keras.utils.set_random_seed(0)
    net = kn.build(name)
    twin = Twin(net).eval()
    exported = kn.export(net, folder / name, "onnx", verify=False)
    theirs = folder / f"{name}-keras.onnx"
    net.export(str(theirs), format="onnx", verbose=False)
    from_torch = folder / f"{name}-torch.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            *(twin, (torch.zeros(1, 178),), str(from_torch)),
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


def measure(ways: dict[str, Runner], batch: int, rounds: int) -> dict[str, float]:
    """The median milliseconds of each way, which must all give the same."""
    x = np.random.default_rng(batch).normal(size=(batch, 178)).astype("float32")
    expected = ways[OURS](x)
    for way, run in ways.items():
        np.testing.assert_allclose(run(x), expected, atol=1e-5, err_msg=way)
        for _ in range(_CALLS):
            run(x)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            for _ in range(_CALLS):
                start = time.perf_counter()
                run(x)
                times[way].append(time.perf_counter() - start)
    return {way: 1000 * float(np.median(taken)) for way, taken in times.items()}


def main() -> None:
    """Measure every net at every batch size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    import_tensorflow()
    torch.set_num_threads(1)
    packages = ("torch", "onnxruntime", "keras", "tensorflow", "onnx")
    report: dict[str, Any] = {
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count()},
        "load": os.getloadavg(),
        "rounds": arguments.rounds,
        "milliseconds": {},
    }
    head = " | ".join((OURS, KERAS, EAGER, TORCH))
    print(f"| net | batch | {head} | Keras / ours | eager / ours | PyTorch ONNX / ours |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as scratch:
        for name in NETS:
            ways = runners(name, Path(scratch))
            for batch in BATCHES:
                taken = measure(ways, batch, arguments.rounds)
                report["milliseconds"].setdefault(name, {})[str(batch)] = taken
                ratios = [taken[way] / taken[OURS] for way in (KERAS, EAGER, TORCH)]
                cells = [f"{taken[way]:.3f}" for way in (OURS, KERAS, EAGER, TORCH)]
                cells += [f"{ratio:.1f}" for ratio in ratios]
                print(f"| `{name}` | {batch} | {' | '.join(cells)} |", flush=True)
            nodes = onnx.load(Path(scratch) / name / "1" / "model.onnx").graph.node
            report.setdefault("nodes", {})[name] = len(nodes)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
