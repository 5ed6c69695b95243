"""What the workers of ``distributed.py`` do: train for some steps, and measure time and traffic."""

from __future__ import annotations

import dataclasses
import functools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import kerasnets as kn
from kerasnets.data import Dataset, Split
from kerasnets.engine.collectives import Group
from kerasnets.engine.workers import Workers
from kerasnets.evaluation.tasks import infer_task
from kerasnets.training import make_recipe
from kerasnets.training.epochs import EpochRunner, is_over
from kerasnets.training.plan import Plan, compile_model
from kerasnets.training.workers import join_workers

# Net, the simulated data set, and the options that make it large enough for some hundred steps.
NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "seizure-mlp": ("seizure-simulated", {"recordings_per_class": 60}),
    "seizure-cnn": ("seizure-simulated", {"recordings_per_class": 60}),
    "seizure-gru": ("seizure-simulated", {"recordings_per_class": 60}),
    "mortality-gru": ("mortality-simulated", {}),
}
BATCH = 32


@functools.cache
def data_of(net: str) -> Dataset:
    """Return the data set of a net."""
    name, options = NETS[net]
    return kn.load_data(name, **options)


def build(net: str, data: Dataset) -> Any:
    """Return a new net with the initial weights of seed 0."""
    from kerasnets.training.settings import recipe_and_data

    recipe, _ = recipe_and_data(net, data, None, {})
    import keras

    keras.utils.set_random_seed(0)
    return kn.build(net, **recipe.net_arguments)


def prepare(group: Group | None, net: str, data: Dataset, **settings: Any) -> EpochRunner:
    """Return the compiled training of a net."""
    options = {"rescaling": "none", "batch_size": BATCH, "xla": "off", **settings}
    recipe = make_recipe(net, data=data.name, **options)
    model = build(net, data)
    plan = Plan(recipe, data, group)
    compile_model(model, plan, infer_task(data, model.output_shape[-1]))
    return EpochRunner(model, plan, {})


def scaled(data: Dataset, rows: int | None = None) -> Dataset:
    """Return the data with signals of variance 1, and only the first rows for the training."""

    def part(split: Split, count: int | None) -> Split:
        x = split.x
        if isinstance(x, np.ndarray):
            x = ((x - data.train.x.mean()) / data.train.x.std()).astype("float32")[:count]
        return Split(x, split.y[:count])

    train = part(data.train, rows if isinstance(data.train.x, np.ndarray) else None)
    return dataclasses.replace(
        data, train=train, validation=part(data.validation, None), test=part(data.test, None)
    )


def run_steps(epochs: EpochRunner, count: int) -> None:
    """Run a number of training steps in one compiled call per segment, without validation."""
    runner, done, number = epochs.runner, 0, 0
    while done < count:
        for steps, first, end in runner.loop.segments(runner.schedule.epoch(number)):
            last = min(end, first + count - done)
            if last > first:
                tensors, part = runner.feed(steps)
                float(runner.loop(tensors, part, first, last)["loss"])
                done += last - first
        number += 1


def train_100(
    group: Group | None, net: str, steps: int = 100, optimizer: str = "adam"
) -> dict[str, Any]:
    """Return all weights after some steps.

    With the larger learning rate of its recipe, seizure-gru amplifies rounding: one process with
    the rows of each batch reversed differs by 0.09 after 100 steps.
    """
    rate = 0.01 if optimizer == "sgd" else 0.001
    settings = {"optimizer": optimizer, "learning_rate": rate, "schedule": "constant"}
    epochs = prepare(group, net, scaled(data_of(net)), **settings)
    run_steps(epochs, steps)
    return {"weights": [w.tolist() for w in epochs.model.get_weights()]}


def gradient(group: Group | None, net: str) -> dict[str, Any]:
    """Return the gradient of one batch, as the change by SGD with a learning rate of 1."""
    settings = {"optimizer": "sgd", "learning_rate": 1.0, "schedule": "constant"}
    epochs = prepare(group, net, scaled(data_of(net)), **settings)
    before = epochs.model.get_weights()
    run_steps(epochs, 1)
    changes = zip(epochs.model.get_weights(), before, strict=True)
    return {"weights": [(new - old).tolist() for new, old in changes]}


def speed(
    group: Group | None, net: str, steps: int, batch: int = BATCH, xla: str = "off"
) -> dict[str, Any]:
    """Return milliseconds and bytes per step, the best of five repetitions."""
    epochs = prepare(group, net, scaled(data_of(net)), batch_size=batch, xla=xla)
    run_steps(epochs, steps)  # compiles
    seconds, sent = [], []
    for _ in range(5):
        if group is not None:
            group.sum(np.zeros(1))  # all begin together
        before, started = sent_bytes(), time.perf_counter()
        run_steps(epochs, steps)
        seconds.append(time.perf_counter() - started)
        if group is not None:
            group.sum(np.zeros(1))
        sent.append(sent_bytes() - before)
    weights = sum(int(np.prod(v.shape)) for v in epochs.model.trainable_variables)
    return {"ms": 1e3 * min(seconds) / steps, "bytes": min(sent) / steps, "parameters": weights}


def accuracy(group: Group | None, net: str, seed: int, **settings: Any) -> dict[str, Any]:
    """Train to the end; return the accuracy of the best epoch, and the bytes per batch."""
    data = kn.load_data("digits")
    recipe = make_recipe(net, data="digits", seed=seed, xla="off", **settings)
    import keras

    keras.utils.set_random_seed(seed)
    model = kn.build(net, classes=10, size=8) if net != "digit-mlp-1" else kn.build(net)
    plan, history = Plan(recipe, data, group), {}
    compile_model(model, plan, infer_task(data, model.output_shape[-1]))
    epochs = EpochRunner(model, plan, history)
    before = sent_bytes()
    epochs.run(lambda: is_over(recipe, history))
    sent = (sent_bytes() - before) / epochs.steps
    best = int(np.argmin(history["val_loss"]))
    return {"accuracy": history["val_accuracy"][best], "loss": history["val_loss"][best],
            "bytes": sent}  # fmt: skip


def ways(group: Group, parameters: int, steps: int = 50) -> dict[str, tuple[float, float]]:
    """Return milliseconds and bytes per sum of a vector, for each way to sum it.

    The ways take turns, so that other work on the machine disturbs all of them; the best of five.
    """
    import tensorflow as tf

    from kerasnets.engine import vector_sums

    found = {"ring": group.reduce, "hub": functools.partial(vector_sums._hub, group)}
    if group.size == 2:
        found["swap"] = functools.partial(vector_sums._swap, group)

    def compiled(way: Any) -> Any:
        def repeat(vector: Any, count: Any) -> Any:
            for _ in tf.range(count):
                vector = tf.ensure_shape(way(vector) / group.size, (parameters,))
            return vector

        return tf.function(repeat)

    calls = {name: compiled(way) for name, way in found.items()}
    vector = tf.ones(parameters)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for repetition in range(6):
        for name, call in calls.items():
            group.sum(np.zeros(1))  # all begin together
            before, started = sent_bytes(), time.perf_counter()
            call(vector, tf.constant(steps)).numpy()
            seconds = time.perf_counter() - started
            group.sum(np.zeros(1))
            if repetition:  # the first one compiles
                sent = (sent_bytes() - before) / steps
                measured[name].append((1e3 * seconds / steps, sent))
    return {name: (min(a for a, _ in x), min(b for _, b in x)) for name, x in measured.items()}


def sent_bytes() -> int:
    """Return the bytes that all processes of this network namespace have sent to each other."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == "lo":
            return int(counters.split()[8])
    raise OSError("/proc/net/dev has no line for the loopback interface lo.")


TASKS = {
    "train": train_100, "gradient": gradient, "speed": speed, "accuracy": accuracy, "ways": ways
}  # fmt: skip


def main() -> None:
    """Connect, then run tasks that are read from a file, and write their results."""
    import json

    index, addresses, requests, results = sys.argv[1:]
    group = None
    if len(addresses.split(",")) > 1:
        workers = Workers(tuple(addresses.split(",")), int(index))
        group = join_workers(workers.addresses, workers.index, progress=False)
    done = []
    for task, arguments in json.loads(Path(requests).read_text()):
        done.append(TASKS[task](group, **arguments))
        print(f"{task} {arguments} done", file=sys.stderr)
    if index == "0":
        Path(results).write_text(json.dumps(done))


if __name__ == "__main__":
    main()
