"""Throughput of every net: ours, PyTorch eager, PyTorch at its best, plain Keras.

Three processes stay alive, two with TensorFlow, of which one does each operation in a single
thread, and one with PyTorch; whoever drives them asks for rounds in turn, so that whatever else
the machine does hits all alike. A round is whole epochs, shuffling included, for at least half a
second; what is compiled or chosen is so before. Everybody runs with the threads that suit them:
PyTorch tries 1 and 2 itself.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from workload import rate

COMPETITORS = ("ours", "torch eager", "torch best", "keras fit")
PREDICTORS = ("ours, predicting", "torch, predicting", "keras predict")
_SECONDS_A_ROUND = 0.5


class Workers:
    """The processes, which are asked for rounds in turn."""

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
        """Let whoever can run a competitor prepare it, and choose the fastest of them."""
        framework = "torch" if competitor.startswith("torch") else "keras"
        able = [name for name in self.pipes if name.startswith(framework)]
        told = {name: self._ask(name, "prepare", competitor, net) for name in able}
        speeds = {name: self._ask(name, "round", competitor) for name in able if len(able) > 1}
        self.chosen[competitor] = max(speeds, key=speeds.__getitem__) if speeds else able[0]
        threads = 1 if self.chosen[competitor].endswith("1 thread") else os.cpu_count()
        return {"threads": threads} | told[self.chosen[competitor]]

    def round(self, competitor: str) -> float:
        """Samples a second of one round."""
        return float(self._ask(self.chosen[competitor], "round", competitor))

    def _ask(self, worker: str, *words: Any) -> Any:
        self.pipes[worker].send(words)
        answer = self.pipes[worker].recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        """Let the processes end."""
        for pipe, process in zip(self.pipes.values(), self.processes, strict=True):
            pipe.send(None)
            process.join(10)


def measure(
    workers: Workers, net: str, rounds: int, competitors: tuple[str, ...] = COMPETITORS
) -> dict[str, Any]:
    """Samples a second of every competitor, a list of rounds each, and what was chosen."""
    result: dict[str, Any] = {"net": net, "rates": {name: [] for name in competitors}}
    for name in competitors:
        result[name] = workers.prepare(name, net)
    for _ in range(rounds):
        for name in competitors:
            result["rates"][name].append(workers.round(name))
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


def keras_worker(pipe: Any, threads: str) -> None:
    """Ours and plain ``fit``."""
    if threads:  # before TensorFlow is at work
        os.environ["TF_NUM_INTRAOP_THREADS"] = threads
    import keras_side

    serve(pipe, keras_side.prepare)


def torch_worker(pipe: Any, _: str) -> None:
    """PyTorch in both ways."""
    import torch_side

    serve(pipe, torch_side.prepare)
