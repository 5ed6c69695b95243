"""The addresses of workers come from arguments or from TF_CONFIG; wrong ones are refused."""

from __future__ import annotations

import json

import pytest

from kerasnets.engine.workers import Workers, find_workers

ADDRESSES = ["10.0.0.1:2222", "host.example:2222", "[::1]:2223"]


def tf_config(**changes):
    config = {"cluster": {"worker": ADDRESSES}, "task": {"type": "worker", "index": 2}, **changes}
    return {"TF_CONFIG": json.dumps(config)}


def test_arguments_have_precedence_over_tf_config():
    assert find_workers(ADDRESSES, 1, tf_config()) == Workers(tuple(ADDRESSES), 1)
    assert find_workers([], None, tf_config()) is None


def test_tf_config_is_used_without_arguments():
    assert find_workers(environment=tf_config()) == Workers(tuple(ADDRESSES), 2)
    for text in ("", " ", "{}", '{"cluster": {}, "task": {"type": "worker", "index": 0}}'):
        assert find_workers(environment={"TF_CONFIG": text}) is None
    assert find_workers(environment={}) is None


def test_the_chief_is_the_first_worker():
    cluster = {"worker": ADDRESSES[1:], "chief": ADDRESSES[:1]}
    for task, index in [(("chief", 0), 0), (("worker", 0), 1), (("worker", 1), 2)]:
        environment = tf_config(cluster=cluster, task={"type": task[0], "index": task[1]})
        assert find_workers(environment=environment) == Workers(tuple(ADDRESSES), index)


def test_one_worker_trains_alone():
    assert find_workers(["a:1"], 0) is None
    cluster, task = {"worker": ["a:1"]}, {"type": "worker", "index": 0}
    assert find_workers(environment=tf_config(cluster=cluster, task=task)) is None


@pytest.mark.parametrize(
    ("workers", "index", "message"),
    [
        ("a:1,b:1", 0, "must be a list"),
        (["a:1", "b:1"], None, "needs index"),
        (None, 0, "index needs workers"),
        (["a:1", "b:1"], 2, "must be from 0 to 1"),
        (["a:1", "b:1"], -1, "must be from 0 to 1"),
        (["a:1", "a:1"], 0, "its own address"),
        (["a:1", "b"], 0, "the form HOST:PORT"),
        (["a:1", ":1"], 0, "the form HOST:PORT"),
        (["a:1", "b:0"], 0, "the form HOST:PORT"),
        (["a:1", "b:70000"], 0, "the form HOST:PORT"),
        (["a:1", 7], 0, "the form HOST:PORT"),
    ],
)
def test_wrong_workers_are_refused(workers, index, message):
    with pytest.raises(ValueError, match=message):
        find_workers(workers, index, {})


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "7", '{"cluster": 7}', '{"cluster": {"worker": 7}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": "x"}}',
    ],
)  # fmt: skip
def test_a_wrong_tf_config_is_refused(text):
    with pytest.raises(ValueError, match="TF_CONFIG must be JSON"):
        find_workers(environment={"TF_CONFIG": text})


@pytest.mark.parametrize("job", ["ps", "evaluator"])
def test_other_tasks_are_refused(job):
    with pytest.raises(ValueError, match=f"tasks of type '{job}'"):
        find_workers(environment=tf_config(task={"type": job, "index": 0}))
