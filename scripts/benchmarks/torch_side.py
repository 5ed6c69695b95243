"""The process with PyTorch: it measures the usual loop, and the fastest of several variants."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch_nets
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset
from workload import BATCH, PREDICTION_BATCH, arrays, rate

import kerasnets as kn
from kerasnets.engine.buckets import make_buckets

Batches = Callable[[], Iterator[tuple[Any, torch.Tensor]]]


def prepare(competitor: str, net: str) -> tuple[Callable[[], int], dict[str, Any]]:
    """A function that runs an epoch or a prediction of a net, and its description."""
    if "predict" in competitor:
        return prepare_prediction(net)
    usual, indexed, rows, arguments = batches(net)
    # Compiling takes half a minute per net, so it can be switched off.
    compiled = competitor == "torch best" and not os.environ.get("BENCH_WITHOUT_COMPILE")
    variants = ["plain", "compiled"] if compiled else ["plain"]
    make_batches = usual if competitor == "torch eager" else indexed
    best: tuple[float, Callable[[], int], dict[str, Any]] | None = None
    for way, threads in itertools.product(variants, (1, 2)):
        model = torch_nets.NETS[net](*arguments)
        params = sum(weight.numel() for weight in model.parameters())
        try:
            fused = competitor == "torch best"
            epoch = make_epoch(model, make_batches, rows, threads, way, fused=fused)
            few_steps = make_epoch(
                model, lambda: itertools.islice(make_batches(), 8), 8, threads, way, fused=fused
            )
            few_steps()
        except Exception as error:  # noqa: BLE001 - torch.compile does not support every net
            print(f"  {net}: {way} in PyTorch fails with {type(error).__name__}", flush=True)
            continue
        speed = rate(few_steps, 0.3)
        if best is None or speed > best[0]:
            best = speed, epoch, {"params": params, "way": way, "threads": threads}
    assert best is not None  # noqa: S101 - the plain variant always runs
    return best[1], best[2]


def prepare_prediction(net: str) -> tuple[Callable[[], int], dict[str, Any]]:
    """A function that predicts all rows of a net with the faster number of threads."""
    x, _ = tensors(net)
    model = torch_nets.NETS[net]().eval()

    def predict() -> int:
        with torch.inference_mode():
            return len(torch.cat([model(rows) for rows in x.split(PREDICTION_BATCH)]))

    speeds = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        predict()
        speeds[threads] = rate(predict, 0.3)
    best = max(speeds, key=speeds.__getitem__)

    def with_threads() -> int:
        torch.set_num_threads(best)
        return predict()

    return with_threads, {"threads": best}


def make_epoch(
    model: nn.Module, make_batches: Batches, rows: int, threads: int, way: str, fused: bool
) -> Callable[[], int]:
    """A function that trains one epoch in PyTorch's usual loop."""
    optimizer = torch.optim.Adam(model.parameters(), fused=True if fused else None)
    loss_of = nn.CrossEntropyLoss()
    forward = torch.compile(model) if way == "compiled" else model

    def epoch() -> int:
        torch.set_num_threads(threads)
        model.train()
        total = torch.zeros(())
        for x, y in make_batches():
            optimizer.zero_grad()
            loss = loss_of(forward(*x) if isinstance(x, tuple) else forward(x), y)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if not torch.isfinite(total):
            raise ArithmeticError("the loss is not finite")
        return rows

    return epoch


def tensors(net: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Random rows, with channels first, and classes."""
    x, y = (torch.from_numpy(array) for array in arrays(net))
    return (x.movedim(-1, 1) if x.ndim == 4 else x).contiguous(), y.long()


def batches(net: str) -> tuple[Batches, Batches, int, list[Any]]:
    """Batches from a DataLoader and from tensors, number of rows, and the net's arguments."""
    torch.manual_seed(0)
    if net.startswith("mortality"):
        return visit_batches()
    x, y = tensors(net)
    loader = DataLoader(TensorDataset(x, y), BATCH, shuffle=True)

    def indexed() -> Iterator[tuple[Any, torch.Tensor]]:
        for rows in torch.randperm(len(x)).split(BATCH):
            yield x[rows], y[rows]

    return (lambda: iter(loader)), indexed, len(x), []


def visit_batches() -> tuple[Batches, Batches, int, list[Any]]:
    """Sequences of visits, which the net packs: padded per batch, or grouped in buckets."""
    split = kn.load_data("mortality-simulated").train
    x, y = split.x, torch.from_numpy(split.y).long()
    patients = [
        (torch.from_numpy(x.take(np.array([row]))["visits"][0]), y[row]) for row in range(len(x))
    ]

    def padded(examples: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[Any, torch.Tensor]:
        visits, labels = zip(*examples, strict=True)
        lengths = torch.tensor([len(visit) for visit in visits])
        return (pad_sequence(visits, batch_first=True), lengths), torch.stack(labels)

    loader = DataLoader(patients, BATCH, shuffle=True, collate_fn=padded)
    buckets = make_buckets(x.lengths)

    def indexed() -> Iterator[tuple[Any, torch.Tensor]]:
        for rows in buckets.batches(BATCH, np.random.default_rng()):
            yield padded([patients[row] for row in rows])

    return (lambda: iter(loader)), indexed, len(x), [x.features]
