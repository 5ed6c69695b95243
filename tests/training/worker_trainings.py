"""Trainings that the tests run in one process and in two connected ones, to compare them.

Run as ``python -m tests.training.worker_trainings WORKERS INDEX FOLDER``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import signal
import socket
import struct
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasnets as kn
from kerasnets._errors import WorkerLostError
from kerasnets.data import Split
from kerasnets.engine import connection, stream, vector_sums
from kerasnets.engine.worker_checks import sums_penalties_of_activities
from kerasnets.engine.workers import Workers
from kerasnets.evaluation.tasks import infer_task
from kerasnets.nets.layers.length_mask import LengthMask
from kerasnets.training.epochs import EpochRunner, is_over
from kerasnets.training.plan import Plan, compile_model
from kerasnets.training.run_folder import versions
from kerasnets.training.workers import check_equal, join_workers
from tests.engine.helpers import Sequences
from tests.training.helpers import CLASSES, FEATURES, dataset, recipe, small_model

# 151 rows in batches of 15: the last batch has one row, which leaves none for the second worker.
ROWS, UNEVEN = 151, {"batch_size": 15, "epochs": 2, "xla": "off"}
HEARTBEAT = 6  # seconds without an answer after which a worker counts as lost
PARAMETERS = 997  # of seizure-gru, whose gradient is the smallest of the larger nets
SUMS = {
    "swap": vector_sums._swap,
    "hub": vector_sums._hub,
    "ring": lambda group, vector: group.reduce(vector),
}


class StopFirstWorker(keras.callbacks.Callback):
    """Stops the first worker after the first epoch."""

    def __init__(self, index):
        super().__init__()
        self.index = index

    def on_epoch_end(self, epoch, logs=None):
        if self.index == 0:
            self.model.stop_training = True


def fit(group, model, data, callbacks=(), **settings):
    """Train a model; return its history, all its variables and its seeds."""
    plan = Plan(recipe(**{**UNEVEN, **settings}), data, group)
    compile_model(model, plan, infer_task(data, model.output_shape[-1]))
    history = {}
    epochs = EpochRunner(model, plan, history)
    result = {"history": history, "error": ""}
    try:
        epochs.run(lambda: is_over(plan.recipe, history), callbacks=callbacks)
    except ArithmeticError as error:
        result["error"] = str(error)
    variables = [*model.variables, *model.optimizer.variables]
    result["seeds"] = [v.numpy() for v in variables if "seed" in v.path]
    result["variables"] = [v.numpy() for v in variables if "seed" not in v.path]
    return result


def sequence_model():
    """A masked GRU over visits, like those of the catalogue."""
    keras.utils.set_random_seed(0)
    inputs = {
        "visits": keras.Input((None, 5), name="visits"),
        "length": keras.Input((), dtype="int32", name="length"),
    }
    hidden = keras.layers.GRU(4)(LengthMask()([inputs["visits"], inputs["length"]]))
    return keras.Model(inputs, keras.layers.Dense(2)(hidden), name="sequences")


def sequence_data():
    """Sequences of 1 to 6 visits, in several buckets."""
    parts = {
        name: Split(Sequences(rows, seed=seed), (np.arange(rows) % 2).astype("int32"))
        for seed, (name, rows) in enumerate([("train", ROWS), ("validation", 40), ("test", 40)])
    }
    return dataset(ROWS, class_names=("a", "b"), **parts)


def penalized_model():
    """A net with penalties of weights and activities, and sparse gradients of an embedding."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((FEATURES,))
    rounded = keras.layers.Lambda(lambda x: keras.ops.clip(keras.ops.round(x) + 3, 0, 6))(inputs)
    # Workers refuse these penalties before Keras 3.14.
    activities = None if sums_penalties_of_activities() else keras.regularizers.L2(0.01)
    hidden = keras.layers.Dense(
        8, "tanh", kernel_regularizer="l2", activity_regularizer=activities
    )(keras.layers.Flatten()(keras.layers.Embedding(7, 2)(rounded)))
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(hidden), name="small")


def compiled_model():
    """A model with an optimizer of the user, which clips the sum of the gradients."""
    model = small_model()
    model.compile(
        keras.optimizers.AdamW(0.01, global_clipnorm=0.1, weight_decay=0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def normalized_inputs():
    """A batch normalization of the inputs, whose statistics do not depend on the weights."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((FEATURES,))
    hidden = keras.layers.BatchNormalization(momentum=0.9, scale=False, center=False)(inputs)
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(hidden), name="small")


def in_chunks(group):
    """Train from data that are copied one chunk at a time."""
    fits_in_memory = stream.fits_in_memory
    stream.fits_in_memory = lambda source: False
    try:
        return fit(group, small_model(), dataset(ROWS))
    finally:
        stream.fits_in_memory = fits_in_memory


def overflow(group):
    """Train on a row whose loss is infinite. It is in the half of the second worker."""
    data = dataset(64)
    rows = Plan(recipe(batch_size=16), data).schedule.epoch(0).rows
    x = data.train.x.copy()
    x[rows[2, 12]] = 1e38
    data = dataclasses.replace(data, train=Split(x, data.train.y))
    keras.utils.set_random_seed(0)
    inputs = keras.Input((FEATURES,))
    outputs = keras.layers.Dense(CLASSES)(keras.layers.Dense(8)(inputs))
    return fit(group, keras.Model(inputs, outputs * 1e10, name="small"), data, batch_size=16)


SAME = {
    "uneven": lambda group: fit(group, small_model(), dataset(ROWS)),
    "100 steps": lambda group: fit(group, small_model(), dataset(128), batch_size=16, epochs=13),
    "masked": lambda group: fit(group, sequence_model(), sequence_data()),
    "convolution": lambda group: fit(
        group, small_model("conv"), dataset(ROWS), optimizer="sgd", class_weights="balanced"
    ),
    # Not with Adam: Keras squares sparse gradients before it adds those of equal rows.
    "penalties": lambda group: fit(
        group, penalized_model(), dataset(ROWS), optimizer="sgd", learning_rate=0.1
    ),
    "clipped": lambda group: fit(group, compiled_model(), dataset(ROWS), optimizer="compiled"),
    "accumulate": lambda group: fit(
        group, small_model(), dataset(ROWS), accumulate=4, epochs=4, schedule="cosine"
    ),
    "overflow": overflow,
}
OTHER = {
    "chunks": in_chunks,
    "average": lambda group: fit(group, small_model(), dataset(ROWS), average_every=4),
    "batch-norm": lambda group: fit(group, normalized_inputs(), dataset(128), batch_size=16),
    "dropout": lambda group: fit(group, small_model("dropout"), dataset(ROWS)),
    "early stop": lambda group: fit(
        group, small_model(), dataset(32), epochs=20, learning_rate=0.3, early_stopping=1
    ),
    "stopped": lambda group: fit(
        group, small_model(), dataset(32), [StopFirstWorker(group.index if group else 0)]
    ),
}


def check_group(group):
    """Use each operation of the group, and compare unequal workers."""
    found = {
        "sum": group.sum(np.arange(5) * (group.index + 1.0)),
        "minimum": group.minimum(7 - group.index),
        "maximum": group.maximum(7 - group.index),
        "share": group.share(b"12345" if group.index == 0 else b""),
        "empty": group.share(),
        "gather": group.gather("äöü" * group.index),
    }
    threads = count_threads()
    for _ in range(200):
        group.sum(np.zeros(3))
    found["new threads"] = count_threads() - threads
    different = recipe(batch_size=16 + group.index)
    other_data = dataset(150 + group.index)
    attempts = {
        "recipe": lambda: check_equal(group, different, None),
        "data": lambda: check_equal(group, None, other_data),
        "versions": lambda: check_equal(group, recipe(), None),
        "callback": lambda: fit(
            group, small_model(), dataset(32), [keras.callbacks.TerminateOnNaN()]
        ),
    }
    if group.index:
        attempts["versions"] = with_another_keras(attempts["versions"])
    for name, attempt in attempts.items():
        try:
            found[name] = attempt()
        except ValueError as error:
            found[name] = str(error)
    check_equal(group, recipe(), None if group.index else dataset())
    return found


def sum_vectors(group):
    """Sum vectors in each way in a compiled loop; return the results and the bytes per step."""
    found = {}
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        mine = tf.cast(tf.range(5) * (group.index + 1), dtype)
        found[dtype] = np.asarray(vector_sums.sum_vector(group, mine, 5), "float64")
    for name, way in SUMS.items():
        mine = tf.range(PARAMETERS, dtype=tf.float32) * (group.index + 1.0)
        summed = tf.function(lambda vector, steps, way=way: _repeat(group, way, vector, steps))
        result = summed(mine, tf.constant(1))
        group.sum(np.zeros(1))
        before = sent_bytes()
        summed(mine, tf.constant(50)).numpy()
        sent = (sent_bytes() - before) / 50
        found[name] = np.asarray(result), float(group.sum(np.array([sent]))[0])
    return found


def _repeat(group, way, vector, steps):
    total = vector
    for _ in tf.range(steps):
        total = tf.ensure_shape(way(group, vector), vector.shape)
    return total


def sent_bytes():
    """Bytes that this process has sent over TCP, with the headers of each packet."""
    total = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # a file that was closed, or not a socket of TCP
            if link.readlink().name.startswith("socket:"):
                with socket.socket(fileno=os.dup(int(link.name))) as copy:
                    info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                (packets,) = struct.unpack_from("I", info, 136)
                (content,) = struct.unpack_from("Q", info, 200)
                total += content + 66 * packets  # the headers of Ethernet, IP and TCP
    return total


def stop_second_worker(group, processes):
    """Stop the second worker with SIGSTOP until the first one has noticed it.

    The first sum lets it stop only when the first worker waits for it. If it stops before it has
    sent its part, the first worker notices it in this sum already.
    """
    try:
        group.sum(np.zeros(1))
        if group.index == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        group.sum(np.zeros(1))
    except WorkerLostError as error:
        return str(error)
    finally:
        if group.index == 0:
            os.kill(int(processes[1]), signal.SIGCONT)


def count_threads():
    """Number of threads of this process, with those of TensorFlow."""
    return len(list(Path("/proc/self/task").iterdir()))


def with_another_keras(call):
    """Make a call as if this process had another version of Keras."""

    def make_call():
        with pytest.MonkeyPatch.context() as patch:
            found = {**versions(), "keras": "2.0"}
            patch.setattr("kerasnets.training.workers.versions", lambda: found)
            return call()

    return make_call


class Interrupt(keras.callbacks.Callback):
    """Ends the process's training after the first epoch, as Ctrl-C on every machine does."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def train(folder, name, callbacks=()):
    """Run a command into a run folder; return what every worker knows of the run."""
    keras.utils.clear_session()  # so that equal models have layers of equal names
    options = {"data": dataset(ROWS), "out": folder / name, "progress": False, "figures": False}
    options |= UNEVEN
    run = kn.train(small_model("dropout"), callbacks=callbacks, **options)
    return {
        "recipe": run.recipe,
        "history": run.history,
        "metrics": run.metrics,
        "environment": run.environment,
    }


def train_and_resume(folder):
    """Train without interruption and with one, and repeat the command of a finished run."""
    results = [train(folder, "whole")]
    try:
        train(folder, "resumed", [Interrupt()])
    except KeyboardInterrupt as interrupt:
        results.append(str(interrupt))
    return [*results, train(folder, "resumed"), train(folder, "resumed")]


def main(addresses, index, folder):
    """Run everything in one of the workers."""
    workers = Workers(tuple(addresses.split(",")), int(index))
    connection._HEARTBEAT = HEARTBEAT * 1000
    group = join_workers(workers.addresses, workers.index, progress=False)
    processes = group.gather(str(os.getpid()))
    results = {name: run(group) for name, run in {**SAME, **OTHER}.items()}
    results["group"] = check_group(group)
    results["sums"] = sum_vectors(group)
    results["runs"] = train_and_resume(Path(folder))
    results["stopped worker"] = stop_second_worker(group, processes)
    (Path(folder) / f"{index}.pickle").write_bytes(pickle.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
