"""Throughput of every net: kerasnets, PyTorch eager, the fastest PyTorch variant, and Keras.

Three worker processes run during all measurements: one with PyTorch, and two with TensorFlow, one
of which uses a single thread per operation. The competitors take turns in every round, so that
other work on the machine affects all of them. A round trains full epochs, with shuffling, for at
least half a second. Compilation and the choice of settings are not measured. Each competitor uses
the faster number of threads; the PyTorch process tries 1 and 2.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from workload import rate

COMPETITORS = ("ours", "torch eager", "torch best", "keras fit")
PREDICTORS = ("ours, predicting", "torch, predicting", "keras predict")
_SECONDS_PER_ROUND = 0.5


class Workers:
    """The worker processes of all competitors."""

    def __init__(self) -> None:
        self.pipes: dict[str, Any] = {}
        self.processes = []
        self.chosen: dict[str, str] = {}
        for name, target, threads in (
            ("torch", torch_worker, ""),
            ("keras", keras_worker, ""),
            ("keras, 1 thread", keras_worker, "1"),
        ):
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=target, args=(theirs, threads), daemon=True)
            process.start()
            self.pipes[name] = ours
            self.processes.append(process)

    def prepare(self, competitor: str, net: str) -> dict[str, Any]:
        """Prepare a competitor in every suitable worker, and choose the fastest worker."""
        framework = "torch" if competitor.startswith("torch") else "keras"
        suitable = [name for name in self.pipes if name.startswith(framework)]
        settings = {name: self._ask(name, "prepare", competitor, net) for name in suitable}
        speeds = {
            name: self._ask(name, "round", competitor) for name in suitable if len(suitable) > 1
        }
        self.chosen[competitor] = max(speeds, key=speeds.__getitem__) if speeds else suitable[0]
        threads = 1 if self.chosen[competitor].endswith("1 thread") else os.cpu_count()
        return {"threads": threads} | settings[self.chosen[competitor]]

    def round(self, competitor: str) -> float:
        """Run one round, and return the samples per second."""
        return float(self._ask(self.chosen[competitor], "round", competitor))

    def _ask(self, worker: str, *request: Any) -> Any:
        self.pipes[worker].send(request)
        answer = self.pipes[worker].recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        """Stop the processes."""
        for pipe, process in zip(self.pipes.values(), self.processes, strict=True):
            pipe.send(None)
            process.join(10)


def measure(
    workers: Workers, net: str, rounds: int, competitors: tuple[str, ...] = COMPETITORS
) -> dict[str, Any]:
    """Return the samples per second of each competitor in each round, and its settings."""
    result: dict[str, Any] = {"net": net, "rates": {name: [] for name in competitors}}
    for name in competitors:
        result[name] = workers.prepare(name, net)
    for _ in range(rounds):
        for name in competitors:
            result["rates"][name].append(workers.round(name))
    return result


def serve(pipe: Any, prepare: Callable[[str, str], tuple[Callable[[], int], Any]]) -> None:
    """Prepare competitors and measure rounds on request, until the request is ``None``."""
    epochs: dict[str, Callable[[], int]] = {}
    while (request := pipe.recv()) is not None:
        what, competitor, *rest = request
        try:
            if what == "prepare":
                epochs[competitor], answer = prepare(competitor, *rest)
                epochs[competitor]()
            else:
                answer = rate(epochs[competitor], _SECONDS_PER_ROUND)
        except Exception as error:  # noqa: BLE001 - the other process shows it
            answer = RuntimeError(f"{competitor}: {error!r}")
        pipe.send(answer)


def keras_worker(pipe: Any, threads: str) -> None:
    """Run kerasnets and Keras's own ``fit``."""
    if threads:  # before TensorFlow starts
        os.environ["TF_NUM_INTRAOP_THREADS"] = threads
    import keras_side

    serve(pipe, keras_side.prepare)


def torch_worker(pipe: Any, _: str) -> None:
    """Run PyTorch eager and the fastest PyTorch variant."""
    import torch_side

    serve(pipe, torch_side.prepare)
