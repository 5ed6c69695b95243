"""The style of all figures, and how they are saved. Importing this module imports matplotlib.

Figures are created from ``matplotlib.figure.Figure`` and not with pyplot, because pyplot keeps
windows and global state.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib.style
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path
from matplotlib.ticker import LogFormatterSciNotation

from kerasnets._files import atomic_write

# The palette of Okabe and Ito, whose colours can be told apart with colour blindness. Its yellow is
# left out because it is too pale for lines on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#22262A"
MUTED = "#5F676F"
FAINT = "#DDE1E5"
TEXT_SIZE = 9.5
_FONT = "DejaVu Sans"  # part of matplotlib, so it is the same on every machine

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
    "svg.hashsalt": "kerasnets",  # ids depend on the content and not on the time
    "text.color": INK,
    "text.parse_math": False,  # a $ in a class name is not the start of a formula
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}

# The metadata of each format: without the time, so that the same figure has the same bytes.
_FORMATS: dict[str, dict[str, None]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
_MARGIN = 0.12  # inches
_TITLE_SIZE = 12.5
_LINE_SPACING = 1.35


def style() -> contextlib.AbstractContextManager[None]:
    """Apply the style inside a ``with`` block, whatever the matplotlib settings of the user."""
    return matplotlib.style.context(_STYLE, after_reset=True)


def new_figure(
    width: float, height: float, title: str | None = None, subtitle: str | None = None
) -> Figure:
    """Create an empty figure with a left-aligned header. Call it inside ``with style():``.

    Args:
        width: width in inches.
        height: height below the header, in inches.
        title: bold text; it is wrapped if it is wider than the figure.
        subtitle: smaller, grey text below the title.
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
    figure = _Figure(
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
    """Save a figure as PNG (200 dpi) and as SVG.

    Files are written atomically. The same figure always has the same bytes.

    Args:
        figure: the figure.
        path_without_suffix: path of the files without ``.png`` and ``.svg``.

    Returns:
        The paths of the two files.

    Raises:
        ValueError: if the path has one of these suffixes.
    """
    stem = Path(path_without_suffix)
    if stem.suffix in (".png", ".svg"):
        raise ValueError(f"Pass the path without its suffix, {stem.with_suffix('')}; got {stem}.")
    with style(), _laid_out(figure):
        return [_save(figure, stem.with_name(stem.name + suffix)) for suffix in (".png", ".svg")]


def _save(figure: Figure, path: Path) -> Path:
    with style(), atomic_write(path) as temporary:
        figure.savefig(temporary, metadata=_FORMATS[path.suffix])
    return path


def save_figure_as(figure: Figure, path: str | os.PathLike[str], name: str) -> list[Path]:
    """Save a figure to the file or folder that a user names.

    Args:
        figure: the figure.
        path: a file that ends in ``.png``, ``.svg`` or ``.pdf``; or a folder, which exists or ends
            in a slash; or the path of two files without ``.png`` and ``.svg``.
        name: name of the two files if ``path`` is a folder.

    Returns:
        The paths of the files.
    """
    target = Path(path)
    if target.suffix in _FORMATS:
        return [_save(figure, target)]
    is_folder = target.is_dir() or os.fspath(path).endswith(os.sep)
    return save_figure(figure, target / name if is_folder else target)


@contextlib.contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Compute the layout of a figure once for all files, which halves the time to save it."""
    engine = figure.get_layout_engine()
    figure.draw_without_rendering()
    figure.set_layout_engine(None)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def text_width(text: str, size: float = TEXT_SIZE, weight: str = "normal") -> float:
    """Return the width of a text in inches; for several lines, the width of the widest."""
    font = FontProperties(family=_FONT, size=size, weight=weight)
    points = (
        text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
        for line in text.split("\n")
    )
    return float(max(points)) / 72


def short_number(value: float) -> str:
    """Format a number for a label, with three digits or all digits before the point."""
    if 1000 <= abs(value) < 1e9:
        text = f"{value:,.0f}"
    else:
        text = f"{value:#.3g}".removesuffix(".")
    return text.replace("-", "−")  # as matplotlib writes it on axes


class _Figure(Figure):
    """A figure that notebooks display, and whose logarithmic axes have plain numbers.

    The labels of matplotlib are formulas such as ``$10^2$``, which the style does not parse.
    """

    def _repr_png_(self) -> bytes:
        """Draw the figure for a notebook, which calls this method."""
        buffer = io.BytesIO()
        with style():
            self.savefig(buffer, format="png", dpi=self.dpi)
        return buffer.getvalue()

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure; see ``matplotlib.figure.Figure.draw``."""
        for axis in (axis for axes in self.axes for axis in (axes.xaxis, axes.yaxis)):
            if type(axis.get_major_formatter()) is LogFormatterSciNotation:
                axis.set_major_formatter(_PlainLogFormatter())
            if type(axis.get_minor_formatter()) is LogFormatterSciNotation:
                axis.set_minor_formatter(_PlainLogFormatter())
        super().draw(renderer)


class _PlainLogFormatter(LogFormatterSciNotation):
    """Labels the ticks that matplotlib would label, with numbers such as 0.01, 300 or 20,000."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        if not super().__call__(x, pos):
            return ""
        return f"{x:,.0f}" if 1 <= x < 1e9 else f"{x:g}"


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
