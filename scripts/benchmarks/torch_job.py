"""The training script of a PyTorch user, for whole_job.py.

    python scripts/benchmarks/torch_job.py NET DATA EPOCHS BATCH_SIZE THREADS OUT

It trains with a DataLoader, validates after every epoch, saves the best state, and prints the test
accuracy. The data come from ``kerasnets.load_data``, which does not import TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch_nets
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

import kerasnets as kn

Example = tuple[torch.Tensor, torch.Tensor]


def main() -> None:
    """Train a net."""
    net, name, epochs, batch_size, threads, out = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    data = kn.load_data(name)
    loaders, arguments = (visits if net.startswith("mortality") else tables)(data, int(batch_size))
    model = torch_nets.NETS[net](*arguments)
    optimizer, loss_of = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()
    folder, lowest = Path(out), float("inf")
    folder.mkdir(parents=True)
    for epoch in range(int(epochs)):
        model.train()
        for x, y in loaders["train"]:
            optimizer.zero_grad()
            loss_of(outputs(model, x), y).backward()
            optimizer.step()
        loss, accuracy = evaluate(model, loaders["validation"])
        print(f"epoch {epoch + 1}: validation loss {loss:.4f}, accuracy {accuracy:.4f}")
        if loss < lowest:
            lowest = loss
            torch.save(model.state_dict(), folder / "best.pt")
    model.load_state_dict(torch.load(folder / "best.pt"))
    print("test accuracy", evaluate(model, loaders["test"])[1])


def outputs(model: nn.Module, x: Any) -> torch.Tensor:
    """The logits of a batch of arrays or of visits with lengths."""
    result: torch.Tensor = model(*x) if isinstance(x, list | tuple) else model(x)
    return result


def evaluate(model: nn.Module, loader: DataLoader[Any]) -> tuple[float, float]:
    """Mean loss and accuracy."""
    model.eval()
    total, correct, rows = 0.0, 0, 0
    with torch.inference_mode():
        for x, y in loader:
            logits = outputs(model, x)
            total += nn.functional.cross_entropy(logits, y, reduction="sum").item()
            correct += int((logits.argmax(1) == y).sum())
            rows += len(y)
    return total / rows, correct / rows


def tables(data: kn.Dataset, batch_size: int) -> tuple[dict[str, DataLoader[Any]], list[Any]]:
    """Loaders of rescaled rows, with channels first, and the arguments of the net."""
    train = np.asarray(data.train.x, "float32")
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    if train.ndim == 4:
        mean, deviation = np.float32(0), np.float32(255)
    deviation = np.where(deviation == 0, 1, deviation).astype("float32")
    loaders: dict[str, DataLoader[Any]] = {}
    for name, split in data.splits.items():
        x = torch.from_numpy((np.asarray(split.x, "float32") - mean) / deviation)
        x = x.movedim(-1, 1).contiguous() if x.ndim == 4 else x
        rows = TensorDataset(x, torch.from_numpy(split.y).long())
        size = batch_size if name == "train" else 256
        loaders[name] = DataLoader(rows, size, shuffle=name == "train")
    return loaders, []


def visits(data: kn.Dataset, batch_size: int) -> tuple[dict[str, DataLoader[Any]], list[Any]]:
    """Loaders of visits, padded per batch, and the arguments of the net."""
    loaders: dict[str, DataLoader[Any]] = {}
    for name, split in data.splits.items():
        y = torch.from_numpy(split.y).long()
        examples = [
            (torch.from_numpy(split.x.take(np.array([row]))["visits"][0]), y[row])
            for row in range(len(split))
        ]
        size = batch_size if name == "train" else 256
        loaders[name] = DataLoader(
            examples,  # type: ignore[arg-type]  # a list is a data set
            size,
            shuffle=name == "train",
            collate_fn=padded,
        )
    return loaders, [data.train.x.features]


def padded(examples: list[Example]) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Pad the visits of a batch."""
    sequences, labels = zip(*examples, strict=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return (pad_sequence(list(sequences), batch_first=True), lengths), torch.stack(list(labels))


if __name__ == "__main__":
    main()
