"""Two connected processes train as one does, and agree where they must."""

from __future__ import annotations

import fcntl
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from kerasnets.engine.workers import Workers
from kerasnets.training.launch import free_ports
from kerasnets.training.recipe import recipe_toml
from kerasnets.training.workers import check_worker_settings, check_workers, is_run_of
from tests.training import worker_trainings
from tests.training.helpers import recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the two workers, shared by the processes of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "two-workers"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def workers(folder):
    """The results of each of two workers."""
    files = [folder / f"{index}.pickle" for index in range(2)]
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # one process of pytest-xdist runs the workers
        if not all(file.is_file() for file in files):
            run_workers(folder)
    finally:
        os.close(descriptor)
    return [pickle.loads(file.read_bytes()) for file in files]  # noqa: S301  our own


def run_workers(folder):
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
    command = [sys.executable, "-m", "tests.training.worker_trainings", addresses]
    processes = [
        subprocess.Popen([*command, str(index), folder], stderr=subprocess.PIPE, text=True)
        for index in range(2)
    ]
    try:
        errors = [process.communicate(timeout=600)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)[-4000:]


def assert_close(found, expected, tolerance=1e-6):
    """Check that two trainings are equal but for rounding."""
    assert list(found["history"]) == list(expected["history"])
    for key, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][key], values, rtol=1e-5, err_msg=key)
    for ours, theirs in zip(found["variables"], expected["variables"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("name", [name for name in worker_trainings.SAME if name != "overflow"])
def test_two_workers_train_as_one_process_does(name, workers):
    expected = worker_trainings.SAME[name](None)
    assert len(expected["history"]["loss"]) > 1
    for worker in workers:
        assert_close(worker[name], expected)


def test_all_workers_stop_at_a_loss_that_is_not_finite_on_one_of_them(workers):
    expected = worker_trainings.overflow(None)["error"].partition(" at ")[2]
    assert expected.startswith("step 3 of epoch 1.")
    for worker in workers:
        assert worker["overflow"]["error"].partition(" at ")[2] == expected
        assert worker["overflow"]["history"] == {}


def test_all_workers_have_equal_bits_after_every_epoch(workers):
    first, second = workers
    for name in {**worker_trainings.SAME, **worker_trainings.OTHER}:
        assert first[name]["history"] == second[name]["history"]
        for a, b in zip(first[name]["variables"], second[name]["variables"], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def test_data_that_are_read_in_chunks_give_the_same_training(workers):
    for worker in workers:
        assert_close(worker["chunks"], worker["uneven"])


def test_averaged_weights_are_near_those_of_summed_gradients(workers):
    averaged, summed = workers[0]["average"], workers[0]["uneven"]
    weights = np.concatenate([np.ravel(v) for v in averaged["variables"][:4]])
    others = np.concatenate([np.ravel(v) for v in summed["variables"][:4]])
    assert 0 < np.abs(weights - others).max() < 0.02  # 22 steps of Adam with a rate of 0.001
    assert averaged["history"]["loss"][-1] < averaged["history"]["loss"][0]


def test_statistics_of_batch_normalization_are_averaged(workers):
    expected = worker_trainings.OTHER["batch-norm"](None)
    shape = (worker_trainings.FEATURES,)
    means, variances = (
        [v for v in result["variables"] if v.shape == shape][:2]
        for result in (workers[0]["batch-norm"], expected)
    )
    # The mean of the means of two halves is the mean of the batch. The variance of a half is
    # smaller than that of the batch by the variance between the halves.
    np.testing.assert_allclose(means[0], variances[0], atol=1e-6)
    np.testing.assert_allclose(means[1], variances[1], rtol=0.15)
    assert (means[1] < variances[1]).all()


def test_workers_draw_different_dropout_masks(workers):
    alone = worker_trainings.OTHER["dropout"](None)
    (first,), (second,) = (worker["dropout"]["seeds"] for worker in workers)
    np.testing.assert_array_equal(first, alone["seeds"][0])
    assert (first != second).any()


def test_all_workers_stop_early_after_the_epoch_of_one_process(workers):
    # The large learning rate amplifies rounding, so only the number of epochs is compared.
    epochs = len(worker_trainings.OTHER["early stop"](None)["history"]["loss"])
    assert epochs < 20
    assert [len(worker["early stop"]["history"]["loss"]) for worker in workers] == [epochs] * 2


def test_a_callback_of_one_worker_stops_all(workers):
    assert [len(worker["stopped"]["history"]["loss"]) for worker in workers] == [1, 1]


def test_operations_of_the_group(workers):
    for worker in workers:
        found = worker["group"]
        np.testing.assert_array_equal(found["sum"], np.arange(5) * 3.0)
        assert (found["minimum"], found["maximum"]) == (6, 7)
        assert (found["share"], found["empty"]) == (b"12345", b"")
        assert found["gather"] == ["", "äöü"]
        assert found["new threads"] < 50  # of 200 operations


@pytest.mark.parametrize("name", worker_trainings.SUMS)
def test_a_vector_is_summed_in_each_way_with_few_bytes(name, workers):
    parameters = worker_trainings.PARAMETERS
    for worker in workers:
        result, sent = worker["sums"][name]
        np.testing.assert_array_equal(result, 3.0 * np.arange(parameters))
        assert 1 < sent / (2 * 4 * parameters) < 1.3  # 2 (workers - 1) times the bytes of a vector


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_vectors_of_each_type_are_summed(dtype, workers):
    for worker in workers:
        np.testing.assert_array_equal(worker["sums"][dtype], 3.0 * np.arange(5))


def test_a_stopped_worker_is_noticed_by_its_heartbeat(workers):
    for index, worker in enumerate(workers):
        assert f"Worker {index} ends, because another worker ended" in worker["stopped worker"]
    assert workers[0]["stopped worker"].endswith("no answer from worker 1")


def test_other_settings_data_or_versions_are_refused_on_all_workers(workers):
    for worker in workers:
        found = worker["group"]
        assert "worker 1 has batch_size = 17, but worker 0 has batch_size = 16" in found["recipe"]
        assert "checksum = '151 rows', but worker 0 has checksum = '150 rows'" in found["data"]
        assert "worker 1 has keras = '2.0', but worker 0 has keras = " in found["versions"]
        assert "methods for batches" in found["callback"]


def test_every_worker_returns_the_run_that_the_first_one_writes(workers, folder):
    (whole, *_), (other, *_) = (worker["runs"] for worker in workers)
    assert whole == other
    assert len(whole["environment"]["sessions"][0]["workers"]) == 2
    assert (folder / "whole" / "metrics.json").is_file()


def test_the_same_command_resumes_bit_for_bit(workers, folder):
    for worker in workers:
        whole, interrupted, resumed, again = worker["runs"]
        assert "interrupted" in interrupted or interrupted == ""
        assert resumed["history"] == whole["history"]
        assert resumed["metrics"] == whole["metrics"]
        assert again == resumed
        assert [s["epochs"] for s in resumed["environment"]["sessions"]] == [[1, 1], [2, 2]]
    for name in ("model.keras", "history.csv"):
        files = [folder / run / name for run in ("whole", "resumed")]
        assert files[0].read_bytes() == files[1].read_bytes()


TWO = Workers(("a:1", "b:1"), 0)


@pytest.mark.parametrize(
    ("settings", "workers", "message"),
    [
        ({"xla": "on"}, TWO, "XLA cannot compile the exchange"),
        ({"batch_size": 1}, TWO, "at least one row per worker"),
        ({"accumulate": 2, "average_every": 2}, None, "Choose one of them"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, workers, message):
    with pytest.raises(ValueError, match=message):
        check_worker_settings(recipe(**settings), workers)


def test_several_workers_need_a_run_folder():
    with pytest.raises(ValueError, match="needs out"):
        check_workers(["a:1", "b:1"], 0, None)
    assert check_workers(["a:1", "b:1"], 1, "runs/a") == Workers(("a:1", "b:1"), 1)
    assert check_workers([], None, None) is None


def test_a_folder_has_the_run_of_a_recipe_or_not(tmp_path):
    mine = recipe(net_arguments={"units": (8, 4)})
    assert not is_run_of(None, mine)
    assert not is_run_of(tmp_path, mine)
    (tmp_path / "recipe.toml").write_text(recipe_toml(mine))
    assert is_run_of(tmp_path, mine)
    assert not is_run_of(tmp_path, recipe())
