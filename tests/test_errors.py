"""Errors reach other processes as they are."""

from __future__ import annotations

import pickle

import pytest

from kerasnets._errors import WorkerLostError, WorkFailedError, WriteError
from kerasnets.studies.local_processes import JobDiedError
from kerasnets.training.callbacks import TrainingDivergedError


@pytest.mark.parametrize(
    "error",
    [
        WorkFailedError("the server is closed"),
        WriteError("runs/a", "No space left on device"),
        WorkerLostError(1, "the socket is closed"),
        TrainingDivergedError("loss is nan in epoch 3"),
        JobDiedError(3),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_another_process_has_the_same_text(error):
    error.file = "a.csv"
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), str(copy), copy.file) == (type(error), str(error), "a.csv")
