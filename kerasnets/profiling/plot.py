"""A picture of where a network's FLOPs and parameters go."""

from __future__ import annotations

from matplotlib.figure import Figure

from kerasnets._style import COLORS, new_figure, style
from kerasnets.profiling.profile import Profile
from kerasnets.profiling.sizes import number
from kerasnets.profiling.table import title

_BAR = 0.36
_MOST = 24


def plot(profile: Profile) -> Figure:
    """Horizontal bars, a pair for each call that costs something: its share of both totals.

    Raises:
        ValueError: if a size is unknown, or there is nothing to draw.
    """
    if profile.symbols:
        name = profile.symbols[0]
        raise ValueError(
            f"{profile.name!r} has unknown sizes {', '.join(profile.symbols)}, so its bars have no "
            f"length; give them first: profile.at({name}=178).plot()."
        )
    bars = _bars(profile)
    if not bars:
        raise ValueError(f"{profile.name!r} has no parameters and no operations to draw.")
    names, flops, params = zip(*bars, strict=True)
    at_least = "≥ " if profile.unsupported else ""
    series = [
        (f"{at_least}{number(profile.flops)} FLOPs", flops, profile.flops),
        (f"{number(profile.params)} parameters", params, profile.params),
    ]
    with style():
        figure = new_figure(8, 1.0 + 0.45 * len(bars), title(profile))
        axes = figure.subplots()
        for at, (label, values, whole) in enumerate(series):
            places = [row + (at - 0.5) * _BAR for row in range(len(bars))]
            shares = [100 * value / whole if whole else 0 for value in values]
            drawn = axes.barh(places, shares, _BAR, color=COLORS[at], label=label)
            texts = [number(value) if value else "" for value in values]
            axes.bar_label(drawn, texts, padding=3, fontsize=8)
        axes.set_yticks(range(len(bars)), names)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, 118)
        axes.set_xticks(range(0, 101, 20))
        axes.set_xlabel("share of the total [%]")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _bars(profile: Profile) -> list[tuple[str, int, int]]:
    """Name, FLOPs and parameters of each call that costs something, in the order they run.

    Of more than ``_MOST`` only those with the largest shares stand alone.
    """
    rows = [(x.path, x.flops, x.params) for x in profile.layers if x.flops or x.params]

    def share(row: tuple[str, int, int]) -> float:
        return row[1] / max(profile.flops, 1) + row[2] / max(profile.params, 1)

    if len(rows) <= _MOST:
        return rows
    alone = sorted(range(len(rows)), key=lambda at: -share(rows[at]))[: _MOST - 1]
    rest = [row for at, row in enumerate(rows) if at not in alone]
    others = (f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest))
    return [*(rows[at] for at in sorted(alone)), others]
