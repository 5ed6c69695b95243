"""Time from process start to a target validation accuracy, for kerasnets and PyTorch.

    python scripts/benchmarks/accuracy.py TASK COMPETITOR ARRAYS FOLDER    # a single run

Both read the same arrays. kerasnets uses ``kerasnets.train`` and writes a complete run folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

# Net, data set, target accuracy, largest number of epochs.
TASKS = {
    "Bonn EEG": ("seizure-cnn", "seizure", 0.60, 40),
    "MNIST": ("lenet5", "mnist", 0.975, 10),
}
COMPETITORS = ("ours", "torch eager", "torch best")


def measure(rounds: int) -> list[dict[str, Any]]:
    """Seconds from process start to the target accuracy, by task and competitor."""
    results = []
    for task in TASKS:
        with tempfile.TemporaryDirectory() as folder:
            arrays = Path(folder) / "arrays.npz"
            if not write_arrays(task, arrays):
                continue
            seconds: dict[str, list[float]] = {name: [] for name in COMPETITORS}
            for number in range(rounds):
                for name in COMPETITORS:
                    args = [task, name, str(arrays), f"{folder}/{number}"]
                    seconds[name].append(seconds_of([sys.executable, __file__, *args]))
            net, _, target, _ = TASKS[task]
            results.append({"task": task, "net": net, "target": target, "seconds": seconds})
    return results


def seconds_of(command: list[str]) -> float:
    """Start a process and return the seconds until it prints ``done``."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            if line.strip() == "done":
                elapsed = time.perf_counter() - started
                process.communicate()
                return elapsed
    raise RuntimeError(f"{' '.join(command)} ended without printing done")


def write_arrays(task: str, path: Path) -> bool:
    """Write the arrays of a task to a file. Return whether its data set was found."""
    import kerasnets as kn

    try:
        data = kn.load_data(TASKS[task][1])
    except FileNotFoundError as error:
        print(f"{task} is skipped: {error}")
        return False
    parts = {f"{name}_{k}": getattr(split, k) for name, split in data.splits.items() for k in "xy"}
    np.savez(path, **parts)
    return True


def ours(net: str, arrays: dict[str, np.ndarray], target: float, epochs: int, out: str) -> None:
    """Train with ``kerasnets.train`` until the target accuracy is reached."""
    import kerasnets as kn
    from kerasnets._lazy import keras
    from kerasnets.data import Dataset, Split

    splits = {name: Split(arrays[f"{name}_x"], arrays[f"{name}_y"]) for name in SPLITS}
    names = tuple(map(str, range(int(arrays["train_y"].max()) + 1)))
    data = Dataset(**splits, name="arrays", class_names=names, split="row", seed=0,
                   source="the benchmark", checksum="")  # fmt: skip

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if (logs or {})["val_accuracy"] >= target:
                print("done", flush=True)
                self.model.stop_training = True

    rescaling = kn.describe(net).recipe.get("rescaling", "standard")
    kn.train(kn.build(net), data=data, epochs=epochs, out=out, progress=False,
             rescaling=rescaling, callbacks=[Stop()])  # fmt: skip


def theirs(
    net: str, arrays: dict[str, np.ndarray], target: float, epochs: int, competitor: str
) -> None:
    """Train in PyTorch, with the usual loop or with batches by index and a fused optimizer."""
    import torch
    import torch_nets
    from torch.utils.data import DataLoader, TensorDataset
    from torch_side import make_epoch
    from workload import BATCH

    torch.manual_seed(0)
    x = {name: arrays[f"{name}_x"].astype("float32") for name in SPLITS}
    mean, deviation = x["train"].mean(axis=0), x["train"].std(axis=0)
    if x["train"].ndim == 4:
        mean, deviation = np.float32(0), np.float32(255)
    inputs = {name: torch.from_numpy((value - mean) / deviation) for name, value in x.items()}
    inputs = {n: v.movedim(-1, 1).contiguous() if v.ndim == 4 else v for n, v in inputs.items()}
    y = {name: torch.from_numpy(arrays[f"{name}_y"]).long() for name in SPLITS}
    loader = DataLoader(TensorDataset(inputs["train"], y["train"]), BATCH, shuffle=True)

    def indexed() -> Any:
        for rows in torch.randperm(len(y["train"])).split(BATCH):
            yield inputs["train"][rows], y["train"][rows]

    model = torch_nets.NETS[net]()
    best = competitor == "torch best"
    batches = indexed if best else lambda: iter(loader)
    epoch = make_epoch(model, batches, len(y["train"]), 1, "plain", fused=best)
    for _ in range(epochs):
        epoch()
        model.eval()
        with torch.no_grad():
            correct = [
                (model(part).argmax(1) == labels).sum().item()
                for part, labels in zip(
                    inputs["validation"].split(256), y["validation"].split(256), strict=True
                )
            ]
        if sum(correct) / len(y["validation"]) >= target:
            print("done", flush=True)
            return


SPLITS = ("train", "validation", "test")


def main() -> None:
    """Run one competitor on one task."""
    task, competitor, path, folder = sys.argv[1:]
    net, _, target, epochs = TASKS[task]
    with np.load(path) as file:
        arrays = dict(file)
    if competitor == "ours":
        ours(net, arrays, target, epochs, folder)
    else:
        theirs(net, arrays, target, epochs, competitor)


if __name__ == "__main__":
    main()
