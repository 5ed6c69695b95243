"""kerasnets._progress: a bar on a terminal, lines in a file, nothing if it is not wanted."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

import pytest

PROGRAM = """
from kerasnets._progress import progress_bar, progress_stream
import sys
assert progress_stream() is sys.stderr
with progress_bar(3, "trees", "tree", show={show}, lines={lines}) as bar:
    for _ in range(3):
        bar.update()
"""


def standard_error(**options):
    """What the program writes to a pipe."""
    program = PROGRAM.format(**options)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return run.stderr.decode()


def test_a_pipe_gets_a_line_at_the_start_and_at_the_end():
    lines = standard_error(show=True, lines=True).splitlines()
    assert lines == ["trees: 0 of 3 in 00:00", "trees: 3 of 3 in 00:00"]


@pytest.mark.parametrize(("show", "lines"), [(False, True), (True, False), (False, False)])
def test_nothing_is_written_if_it_is_not_wanted(show, lines):
    assert standard_error(show=show, lines=lines) == ""


def test_a_terminal_gets_a_bar():
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    program = PROGRAM.format(show=True, lines=False)
    with os.fdopen(ours, "rb") as screen:
        subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True)
        os.close(theirs)
        shown = screen.read1(10_000).decode()
    assert "trees: 100%" in shown
    assert "3/3" in shown
    assert "\x1b[3" not in shown  # no colours


def test_a_notebook_gets_the_bar_of_tqdm_for_notebooks():
    ipykernel = pytest.importorskip("ipykernel")
    assert ipykernel is not None
    manager = pytest.importorskip("jupyter_client").KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        code = (
            "import sys; from kerasnets._progress import *\n"
            "bar = progress_bar(2, 'trees', 'tree', lines=False); bar.update(2)\n"
            "print(bar.disable, progress_stream() is sys.stdout, type(bar).__module__)"
        )
        printed = []
        client.execute_interactive(
            code,
            timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "False True tqdm." in "".join(printed)
