"""kerasnets._progress: a bar on a terminal, lines in a file, nothing if it is not wanted."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

import pytest
from jupyter_client import KernelManager

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


def in_a_kernel(code):
    """What a cell of a notebook prints, and the MIME types that it displays."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    printed, displayed = [], set()

    def collect(message):
        printed.append(message["content"].get("text", ""))
        displayed.update(message["content"].get("data", {}))

    try:
        client.wait_for_ready(timeout=60)
        client.execute_interactive(code, timeout=60, output_hook=collect)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(printed), displayed


def test_a_notebook_gets_the_bar_of_tqdm_for_notebooks():
    code = (
        "import sys; from kerasnets._progress import progress_bar, progress_stream\n"
        "bar = progress_bar(2, 'trees', 'tree', lines=False); bar.update(2); bar.close()\n"
        "print(bar.n, progress_stream() is sys.stdout, type(bar).__module__)\n"
        "sys.modules['ipywidgets'] = None  # as if it were not installed\n"
        "bar = progress_bar(2, 'trees', 'tree', lines=False); bar.update(2); bar.close()\n"
        "print(bar.n, type(bar).__module__)"
    )
    printed, displayed = in_a_kernel(code)
    assert "2 True tqdm.notebook" in printed
    assert "application/vnd.jupyter.widget-view+json" in displayed
    assert "2 tqdm.std" in printed
    assert "trees: 100%" in printed  # the bar as text
