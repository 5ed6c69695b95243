"""How every figure looks, and how it is written. Importing this imports matplotlib.

Figures are made from ``matplotlib.figure.Figure`` and never through pyplot, which keeps windows
and global state.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path

from kerasnets._files import atomic_write

# The palette of Okabe and Ito, which colour-blind readers can tell apart, without its yellow,
# which is too pale for lines on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#22262A"
MUTED = "#5F676F"
FAINT = "#DDE1E5"
TEXT_SIZE = 9.5
_FONT = "DejaVu Sans"  # comes with matplotlib, so it is the same everywhere

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 100,
    "font.family": _FONT,
    "font.size": TEXT_SIZE,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": TEXT_SIZE,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "savefig.dpi": 200,
    "svg.hashsalt": "kerasnets",  # ids from the content, not from the clock
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a $
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}

_MARGIN = 0.12  # inches
_TITLE_SIZE = 12.5
_LINE_SPACING = 1.35


def style() -> contextlib.AbstractContextManager[None]:
    """The style, whatever the user's own settings: for the time of a ``with`` block."""
    return matplotlib.style.context(_STYLE, after_reset=True)


def new_figure(
    width: float, height: float, title: str | None = None, subtitle: str | None = None
) -> Figure:
    """An empty figure under a left-aligned header; call it inside ``with style():``.

    Args:
        width: in inches.
        height: of what stands below the header, in inches.
        title: bold; wrapped where it is wider than the figure.
        subtitle: smaller and muted, below the title.
    """
    lines = [
        (line, size, weight, color)
        for text, size, weight, color in (
            (title, _TITLE_SIZE, "bold", INK),
            (subtitle, TEXT_SIZE, "normal", MUTED),
        )
        for line in _wrapped(text or "", width - 2 * _MARGIN, size, weight)
    ]
    header = sum(size * _LINE_SPACING / 72 for _, size, _, _ in lines)
    header += _MARGIN if lines else 0
    total = height + header
    figure = Figure(
        figsize=(width, total),
        layout=ConstrainedLayoutEngine(
            rect=(0, 0, 1, height / total), w_pad=_MARGIN, h_pad=_MARGIN, wspace=0.04
        ),
    )
    top = total - _MARGIN
    for line, size, weight, color in lines:
        figure.text(
            _MARGIN / width, top / total, line, size=size, weight=weight, color=color, va="top"
        )
        top -= size * _LINE_SPACING / 72
    return figure


def save_figure(figure: Figure, path_without_suffix: str | os.PathLike[str]) -> list[Path]:
    """Write a figure as PNG (200 dpi) and SVG, atomically; the same figure gives the same bytes.

    Args:
        figure: the figure.
        path_without_suffix: where to; ``.png`` and ``.svg`` are added to it.

    Returns:
        The two files.

    Raises:
        ValueError: the path has one of the suffixes already.
    """
    stem = Path(path_without_suffix)
    if stem.suffix in (".png", ".svg"):
        raise ValueError(f"Give the path without its suffix, {stem.with_suffix('')}; got {stem}.")
    files = []
    for suffix, metadata in ((".png", {}), (".svg", {"Date": None})):
        path = stem.with_name(stem.name + suffix)
        with style(), atomic_write(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
        files.append(path)
    return files


def text_width(text: str, size: float = TEXT_SIZE, weight: str = "normal") -> float:
    """The width of a text in inches, of its longest line where it has several."""
    font = FontProperties(family=_FONT, size=size, weight=weight)
    points = (
        text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
        for line in text.split("\n")
    )
    return float(max(points)) / 72


def _wrapped(text: str, width: float, size: float, weight: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and text_width(longer, size, weight) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines
