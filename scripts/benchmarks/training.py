"""Training throughput of every net: ours, PyTorch eager, PyTorch at its best, plain Keras.

Two processes stay alive, one with TensorFlow and one with PyTorch; whoever drives them asks for
rounds in turn, so that whatever else the machine does hits all alike. A round is whole epochs,
shuffling included, for at least half a second; what is compiled or chosen is so before.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH = 32
COMPETITORS = ("ours", "torch eager", "torch best", "keras fit")
_SECONDS_A_ROUND = 0.5


def shapes(net: str) -> tuple[int, tuple[int, ...], int]:
    """Rows, shape of a row and classes of the arrays a net is timed on."""
    if net.startswith("seizure"):
        one_sample_a_step = net.startswith("seizure-gru") and net != "seizure-gru-stepped"
        return (960 if one_sample_a_step else 6_912), (178,), 5
    if net.startswith(("lenet", "digit")):
        return 3_200, (28, 28, 1), 10
    return 6_400, ((11,) if net.startswith("covid") else (2,)), 2


def arrays(net: str) -> tuple[np.ndarray, np.ndarray]:
    """Random rows and classes."""
    rows, shape, classes = shapes(net)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, *shape)).astype("float32")
    return x, rng.integers(0, classes, rows).astype("int32")


class Workers:
    """One process for each framework; both are asked for rounds in turn."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes: dict[str, Any] = {}
        self.processes = []
        for name, target in (("keras", keras_worker), ("torch", torch_worker)):
            ours, theirs = context.Pipe()
            process = context.Process(target=target, args=(theirs,), daemon=True)
            process.start()
            self.pipes[name] = ours
            self.processes.append(process)

    def ask(self, competitor: str, *words: Any) -> Any:
        """Send words to whoever runs a competitor, and wait for the answer."""
        pipe = self.pipes["torch" if competitor.startswith("torch") else "keras"]
        pipe.send((words[0], competitor, *words[1:]))
        answer = pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        """Let both processes end."""
        for pipe, process in zip(self.pipes.values(), self.processes, strict=True):
            pipe.send(None)
            process.join(10)


def measure(workers: Workers, net: str, rounds: int) -> dict[str, Any]:
    """Samples a second of every competitor, a list of rounds each, and what was chosen."""
    result: dict[str, Any] = {"net": net, "rates": {name: [] for name in COMPETITORS}}
    for name in COMPETITORS:
        result[name] = workers.ask(name, "prepare", net)
    for _ in range(rounds):
        for name in COMPETITORS:
            result["rates"][name].append(workers.ask(name, "round"))
    return result


def serve(pipe: Any, prepare: Callable[[str, str], tuple[Callable[[], int], Any]]) -> None:
    """Answer until told to end: prepare a competitor for a net, or time a round of it."""
    epochs: dict[str, Callable[[], int]] = {}
    while (asked := pipe.recv()) is not None:
        what, competitor, *rest = asked
        try:
            if what == "prepare":
                epochs[competitor], answer = prepare(competitor, *rest)
                epochs[competitor]()
            else:
                answer = rate(epochs[competitor], _SECONDS_A_ROUND)
        except Exception as error:  # noqa: BLE001 - the other process shows it
            answer = RuntimeError(f"{competitor}: {error!r}")
        pipe.send(answer)


def rate(epoch: Callable[[], int], seconds: float) -> float:
    """Samples a second of whole epochs, for at least some seconds."""
    samples, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < seconds:
        samples += epoch()
    return samples / taken


def keras_worker(pipe: Any) -> None:
    """Ours and plain ``fit``."""
    import keras_side

    serve(pipe, keras_side.prepare)


def torch_worker(pipe: Any) -> None:
    """PyTorch in both ways."""
    import torch_side

    serve(pipe, torch_side.prepare)
