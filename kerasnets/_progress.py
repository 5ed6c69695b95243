"""Progress bars: on terminals and in notebooks; in files and pipes, a line every ten seconds."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import IO, Any

from tqdm import tqdm

_SECONDS_PER_LINE = 10.0


def progress_bar(
    total: int,
    description: str,
    unit: str,
    *,
    show: bool = True,
    initial: int = 0,
    leave: bool = True,
    lines: bool = True,
) -> tqdm[Any]:
    """Make a progress bar on standard error; in a notebook with ``ipywidgets``, a widget.

    Args:
        total: number of steps.
        description: text in front of the bar.
        unit: name of a step.
        show: whether to show anything.
        initial: steps that are done already.
        leave: keep the bar on the screen when it is closed.
        lines: if standard error is not a terminal, write a line every ten seconds, so that a long
            job is never silent.
    """
    in_terminal, in_notebook = sys.stderr.isatty(), is_notebook()
    bar = _bar_class(in_terminal, in_notebook)
    return bar(
        total=total,
        desc=description,
        unit=unit,
        initial=initial,
        leave=leave,
        disable=not (show and (in_terminal or in_notebook or lines)),
        dynamic_ncols=True,
        mininterval=_SECONDS_PER_LINE if bar is _Lines else 0.1,
    )


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in shell.config


def progress_stream() -> IO[str]:
    """Where lines of progress go: standard error, or the output of the cell of a notebook."""
    return sys.stdout if is_notebook() else sys.stderr


def _bar_class(in_terminal: bool, in_notebook: bool) -> type[tqdm[Any]]:
    if in_notebook and importlib.util.find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as notebook_bar

        return notebook_bar
    return tqdm if in_notebook or in_terminal else _Lines


class _Lines(tqdm):  # type: ignore[type-arg]  # not a generic class at run time
    """Progress as separate lines, for files and pipes, where a line cannot be redrawn."""

    @staticmethod
    def status_printer(file: Any) -> Callable[[str], None]:
        """Print each status as a line; tqdm calls this method."""
        return lambda status: print(status, file=file, flush=True) if status else None

    def close(self) -> None:
        """Print the last status."""
        if not self.disable:
            self.display()
            self.disable = True  # tqdm would write the end of a line
        super().close()

    @property
    def format_dict(self) -> dict[str, Any]:
        """What tqdm formats: counts and times, without a bar."""
        form = "{desc}: {n_fmt} of {total_fmt} in {elapsed}"
        return {**super().format_dict, "bar_format": form}
