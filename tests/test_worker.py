"""Work in the worker process: results, errors, and what happens if the process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from kerasnets import _worker
from kerasnets._worker import WorkerEndedError, at_the_same_time, submit, worker

# Functions that the worker imports by name.


def add(a, b):
    return a + b


def process():
    return os.getpid()


def fail(message):
    print("a print does not get between the answers")
    raise ValueError(message)


class NeedsTwoError(ValueError):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def fail_without_pickling():
    raise NeedsTwoError(1, 2)


def end():
    os._exit(3)


def imported():
    return [name for name in ("tensorflow", "keras") if name in sys.modules]


def write_process(path):
    path.write_text(str(os.getpid()), encoding="utf-8")


def write_processes(folder, names):
    with at_the_same_time() as run:
        for name in names:
            run(write_process, folder / name)
        return os.getpid()


def fail_in_one(names, failing):
    with at_the_same_time() as run:
        for name in names:
            if name == failing:
                run(fail, name)
            else:
                run(add, name, name)


def fail_in_the_block():
    with at_the_same_time() as run:
        run(fail, "copy")
        raise ValueError("block")


def end_in_a_copy():
    with at_the_same_time() as run:
        run(process)
        run(end)


def load_report():
    from kerasnets.training import report

    _worker._import(report.IMPORTS)


def test_without_a_worker_the_function_runs_at_once():
    calls = []
    future = submit(calls.append, 1)
    assert calls == [1]
    assert future.result() is None
    assert submit(process).result() == os.getpid()
    with pytest.raises(ValueError, match="no such file"):
        submit(fail, "no such file").result()


@pytest.fixture(scope="module")
def running():
    with worker():
        yield


def test_results_and_errors_come_from_the_other_process(running):
    x = np.arange(10**6)  # more than the buffer of a pipe holds
    results = [submit(add, x, number) for number in range(3)]
    for number, result in enumerate(results):
        np.testing.assert_array_equal(result.result(), x + number)
    assert submit(process).result() != os.getpid()
    with pytest.raises(ValueError, match=r"^no such file$"):
        submit(fail, "no such file").result()
    with pytest.raises(RuntimeError, match="NeedsTwoError: 1 and 2"):
        submit(fail_without_pickling).result()


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b", "c")])
def test_calls_run_at_the_same_time_in_the_worker_only(names, running, tmp_path):
    parent = submit(write_processes, tmp_path, names).result()
    found = [int((tmp_path / name).read_text(encoding="utf-8")) for name in names]
    assert len({parent, *found}) == 1 + len(names)
    assert write_processes(tmp_path, names) == os.getpid()
    assert {(tmp_path / name).read_text(encoding="utf-8") for name in names} <= {str(os.getpid())}


@pytest.mark.parametrize("failing", ["a", "b", "c"])
def test_an_error_of_any_call_is_raised_by_all(failing, running):
    with pytest.raises(ValueError, match=f"^{failing}$"):
        submit(fail_in_one, "abc", failing).result()


def test_an_error_of_the_block_is_raised_before_those_of_the_calls(running):
    with pytest.raises(ValueError, match=r"^block$"):
        submit(fail_in_the_block).result()


def test_a_copy_that_ends_is_an_error(running):
    with pytest.raises(WorkerEndedError, match="exit code 3"):
        submit(end_in_a_copy).result()
    assert submit(add, 1, 2).result() == 3


def test_the_report_of_a_run_needs_no_tensorflow(running):
    submit(load_report).result()
    assert submit(imported).result() == []


def test_ctrl_c_does_not_end_the_worker(running):
    os.kill(submit(process).result(), signal.SIGINT)
    assert submit(add, 1, 2).result() == 3


def test_a_worker_that_ends_is_an_error():
    with worker():
        with pytest.raises(WorkerEndedError, match="process for end ended with exit code 3"):
            submit(end).result()
        with pytest.raises(WorkerEndedError, match="process for add"):
            submit(add, 1, 2).result()
    assert submit(add, 1, 2).result() == 3


def test_an_error_in_the_block_ends_the_worker_at_once():
    started = []

    def work():
        with worker():
            started.append(submit(process).result())
            raise ValueError("an error")

    with pytest.raises(ValueError, match="an error"):
        work()
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_the_worker_ends_with_the_main_process():
    code = (
        "import os, time\nfrom kerasnets._worker import worker, submit\n"
        "from os import getpid\n"
        "with worker():\n    print(submit(getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), 9)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == -signal.SIGKILL
    for _ in range(100):
        try:
            os.kill(int(answer.stdout), 0)
        except ProcessLookupError:
            return
        signal.sigtimedwait([], 0.1)
    pytest.fail("the worker still runs")
