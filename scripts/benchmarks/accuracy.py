"""Time to a given validation accuracy, from process start: ours against PyTorch.

    python scripts/benchmarks/accuracy.py TASK WHO ARRAYS FOLDER    # one run, in its own process

Both read the same arrays. Ours is ``kerasnets.train`` with all it leaves on disk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

# Net, data set, the accuracy to reach, epochs at most.
TASKS = {
    "Bonn EEG": ("seizure-cnn", "seizure", 0.60, 40),
    "MNIST": ("lenet5", "mnist", 0.975, 10),
}
WHO = ("ours", "torch eager", "torch best")


def measure(rounds: int) -> list[dict[str, Any]]:
    """Seconds from the start of a process to the accuracy, by task and by who."""
    results = []
    for task in TASKS:
        with tempfile.TemporaryDirectory() as folder:
            arrays = Path(folder) / "arrays.npz"
            if not write_arrays(task, arrays):
                continue
            seconds: dict[str, list[float]] = {who: [] for who in WHO}
            for number in range(rounds):
                for who in WHO:
                    given = [task, who, str(arrays), f"{folder}/{number}"]
                    seconds[who].append(seconds_of([sys.executable, __file__, *given]))
            net, _, target, _ = TASKS[task]
            results.append({"task": task, "net": net, "target": target, "seconds": seconds})
    return results


def seconds_of(words: list[str]) -> float:
    """Seconds from starting a process until it prints ``done``."""
    started = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            if line.strip() == "done":
                taken = time.perf_counter() - started
                process.communicate()
                return taken
    raise RuntimeError(f"{' '.join(words)} ended without being done")


def write_arrays(task: str, path: Path) -> bool:
    """Put the arrays of a task where both read them; say whether its files are here."""
    import kerasnets as kn

    try:
        data = kn.load_data(TASKS[task][1])
    except FileNotFoundError as error:
        print(f"{task} is left out: {error}")
        return False
    parts = {f"{name}_{k}": getattr(split, k) for name, split in data.splits.items() for k in "xy"}
    np.savez(path, **parts)
    return True


def ours(net: str, arrays: dict[str, np.ndarray], target: float, epochs: int, out: str) -> None:
    """Train with everything ``kerasnets.train`` does, until the accuracy is there."""
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

    options = kn.describe(net).recipe.get("rescaling", "standard")
    kn.train(kn.build(net), data=data, epochs=epochs, out=out, progress=False,
             rescaling=options, callbacks=[Stop()])  # fmt: skip


def theirs(net: str, arrays: dict[str, np.ndarray], target: float, epochs: int, who: str) -> None:
    """The same in PyTorch's usual loop, or with batches by index and a fused optimizer."""
    import torch
    import torch_nets
    from torch.utils.data import DataLoader, TensorDataset
    from torch_side import trained
    from workload import BATCH

    torch.manual_seed(0)
    x = {name: arrays[f"{name}_x"].astype("float32") for name in SPLITS}
    mean, spread = x["train"].mean(axis=0), x["train"].std(axis=0)
    if x["train"].ndim == 4:
        mean, spread = np.float32(0), np.float32(255)
    given = {name: torch.from_numpy((value - mean) / spread) for name, value in x.items()}
    given = {n: v.movedim(-1, 1).contiguous() if v.ndim == 4 else v for n, v in given.items()}
    y = {name: torch.from_numpy(arrays[f"{name}_y"]).long() for name in SPLITS}
    loader = DataLoader(TensorDataset(given["train"], y["train"]), BATCH, shuffle=True)

    def indexed() -> Any:
        for rows in torch.randperm(len(y["train"])).split(BATCH):
            yield given["train"][rows], y["train"][rows]

    model = torch_nets.NETS[net]()
    best = who == "torch best"
    batches = indexed if best else lambda: iter(loader)
    epoch = trained(model, batches, len(y["train"]), 1, "plain", fused=best)
    for _ in range(epochs):
        epoch()
        model.eval()
        with torch.no_grad():
            right = [
                (model(part).argmax(1) == labels).sum().item()
                for part, labels in zip(
                    given["validation"].split(256), y["validation"].split(256), strict=True
                )
            ]
        if sum(right) / len(y["validation"]) >= target:
            print("done", flush=True)
            return


SPLITS = ("train", "validation", "test")


def main() -> None:
    """One run."""
    task, who, path, folder = sys.argv[1:]
    net, _, target, epochs = TASKS[task]
    with np.load(path) as file:
        arrays = dict(file)
    if who == "ours":
        ours(net, arrays, target, epochs, folder)
    else:
        theirs(net, arrays, target, epochs, who)


if __name__ == "__main__":
    main()
