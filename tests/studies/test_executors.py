"""Jobs in processes of this machine: order, errors, processes that die, and the end."""

from __future__ import annotations

import functools
import os
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from kerasnets._errors import WorkFailedError, WriteError
from kerasnets.studies.executors import check_place, open_executor, run_jobs
from kerasnets.studies.local_processes import JobDiedError, LocalProcesses
from kerasnets.studies.workers import check_worker, check_workers, describe_files, describe_worker
from tests.studies.job_functions import add, describe, die_first, fail, fill_disk, wait_forever


def exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_jobs_errors_and_dying_processes(tmp_path):
    """In one test, because each process takes a second to start."""
    with open_executor(None, 2, max_retries=1) as executor:
        assert executor.capacity() == 2
        numbers = ((number, (number, 1)) for number in range(5))
        next_job = functools.partial(next, numbers, None)
        ended = {job: future.result() for job, future in run_jobs(executor, add, next_job, 2)}
        assert ended == {0: 1, 1: 2, 2: 3, 3: 4, 4: 5}
        assert dict(run_jobs(executor, add, lambda: None)) == {}
        with pytest.raises(ValueError, match=r"^as it was raised$"):
            executor.submit(fail, "as it was raised").result()
        # It dies, and the second process succeeds. The other process is not affected.
        survivor = executor.submit(die_first, tmp_path / "once", 1)
        others = [executor.submit(add, number, 0) for number in range(3)]
        assert survivor.result() == 2
        assert [future.result() for future in others] == [0, 1, 2]
        with pytest.raises(WriteError, match=r"runs/a was not written: the disk is full\."):
            executor.submit(fill_disk).result()
        with pytest.raises(JobDiedError, match="its process died 2 times"):
            executor.submit(die_first, tmp_path / "always", 99).result()
        assert len((tmp_path / "always").read_text()) == 2

        expected = check_workers(executor, tmp_path, describe, "data")
        assert expected == describe_worker()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kerasnets.studies.workers._hash_code", lambda: "another")
            with pytest.raises(ValueError, match="this machine has code of kerasnets"):
                check_workers(executor, tmp_path, describe, "data")
        assert {path.name for path in tmp_path.iterdir()} == {"once", "always"}


def test_the_end_of_the_executor_ends_its_jobs(tmp_path):
    with open_executor(None, 1, max_retries=3) as executor:
        future = executor.submit(wait_forever, tmp_path / "pid")
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    while exists(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(WorkFailedError, match="stopped"):
        future.result()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((None, 0, 3), "jobs must be 1 or more"),
        ((None, 1, -1), "max_retries must be 0 or more"),
        (("spark", 1, 3), "'spark' is not a place for jobs"),
        (("ray://host", 1, 3), "not a place for jobs"),
        (("ray://:10001", 1, 3), "not a place for jobs"),
    ],
)
def test_wrong_numbers_and_places_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        check_place(*arguments)


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'kerasnets\[ray\]'"):
        check_place("ray", None, 3)


def test_jobs_may_appear_later(monkeypatch):
    """Such as a trial whose process has died on another machine."""
    monkeypatch.setattr("kerasnets.studies.executors._POLL_SECONDS", 0.01)
    executor = Held()
    answers = iter([("a", ()), None, ("b", ()), None])
    ended = run_jobs(executor, add, lambda: next(answers, None), 2)
    executor.release(1)
    assert next(ended)[0] == "b"
    executor.release(0)
    assert next(ended)[0] == "a"
    assert list(ended) == []
    assert not executor.closed


def test_running_jobs_are_ended_if_the_caller_stops():
    executor = Held()
    answers = iter([("a", ()), ("b", ())])
    ended = run_jobs(executor, add, lambda: next(answers, None), 2)
    executor.release(0)
    assert next(ended)[0] == "a"
    ended.close()
    assert executor.closed


def test_a_machine_that_differs_is_named():
    expected = describe_worker()
    check_worker(expected)
    with pytest.raises(ValueError, match=r"node 7 has keras .* but this machine has 2\.0"):
        check_worker({**expected, "keras": "2.0"}, "node 7")


class Held:
    """Jobs that end when the test says so."""

    def __init__(self):
        self.submitted, self.released, self.closed = [], set(), False

    def submit(self, function, *args):
        self.submitted.append(Future())
        self._end()
        return self.submitted[-1]

    def release(self, number):
        """Let a job end, now or when it is submitted."""
        self.released.add(number)
        self._end()

    def close(self):
        self.closed = True

    def _end(self):
        for number, future in enumerate(self.submitted):
            if number in self.released and not future.done():
                future.set_result(None)


class Machines(LocalProcesses):
    """Several machines, whose answers are known."""

    def __init__(self, answers):
        self.answers = answers

    def run_everywhere(self, function, *args):
        return self.answers


def test_all_machines_share_the_folder_and_the_data(tmp_path):
    own = describe_worker()
    good = {"a": (True, own, {"data": "1"}), "b": (True, own, {"data": "1"})}
    check_workers(Machines(good), tmp_path, describe, "data")
    with pytest.raises(ValueError, match="b does not see the folder"):
        check_workers(Machines({**good, "b": (False, own, {})}), tmp_path, describe, "data")
    with pytest.raises(ValueError, match="b has data 2, but a has 1"):
        check_workers(Machines({**good, "b": (True, own, {"data": "2"})}), tmp_path, describe, "d")


def test_files_of_data_are_described_by_names_and_sizes(tmp_path):
    (tmp_path / "a.csv").write_text("1")
    first = describe_files(tmp_path)
    assert describe_files(tmp_path) == first
    (tmp_path / "a.csv").write_text("12")
    assert describe_files(tmp_path) != first
