"""Threads that train do not disturb each other; a forked process is refused at once."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

import kerasnets as kn
from kerasnets.engine.seeding import only_training_of

ROWS = np.random.default_rng(0).normal(size=(96, 6)).astype("float32")
LABELS = (ROWS[:, 0] > 0).astype("int32")


def compiled(seed):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def fit(model, **settings):
    kn.fit(model, ROWS, LABELS, epochs=3, shuffle=False, verbose=0, strict=True, **settings)
    return model.get_weights()


def test_models_trained_in_threads_have_the_bits_of_models_trained_alone():
    alone = [fit(compiled(seed)) for seed in range(3)]
    models = [compiled(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(fit, models))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_two_threads_do_not_train_one_model():
    model, errors = compiled(0), []

    def try_to_fit():
        try:
            fit(model)
        except RuntimeError as error:
            errors.append(str(error))

    class OtherThread(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            thread = threading.Thread(target=try_to_fit)
            thread.start()
            thread.join()

    expected = fit(compiled(0))
    for one, other in zip(fit(model, callbacks=[OtherThread()]), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(errors) == 3
    assert "Another thread is training sequential" in errors[0]
    fit(model)


def test_the_same_thread_may_train_a_model_again():
    model = compiled(0)
    with only_training_of(model), only_training_of(model):
        pass
    with only_training_of(model):
        fit(model)


def test_a_process_that_was_forked_after_tensorflow_ran_is_refused():
    """Without the check, the child would wait forever for threads that only its parent has."""
    model = compiled(0)
    model(ROWS[:1])
    calls = (
        lambda: kn.fit(model, ROWS, LABELS, verbose=0),
        lambda: kn.predict(model, ROWS),
        lambda: kn.build("xor"),
        lambda: kn.train("xor"),
        lambda: kn.profile(model),
        lambda: kn.export(model, "exported"),
    )
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of Python warn of the fork
        child = os.fork()
    if child == 0:
        refused = 0
        for call in calls:
            try:
                call()
            except RuntimeError as error:
                refused += "TensorFlow had run before this process was forked" in str(error)
            except Exception as error:  # noqa: BLE001  # the parent reports it
                os.write(writer, f"{error!r} ".encode())
        os.write(writer, str(refused).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as file:
        assert file.read() == str(len(calls))
    kn.predict(model, ROWS)
