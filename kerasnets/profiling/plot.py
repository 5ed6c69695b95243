"""A picture of where a network's FLOPs and parameters go."""

from __future__ import annotations

from matplotlib.figure import Figure

from kerasnets.profiling.profile import Profile
from kerasnets.profiling.sizes import number


def plot(profile: Profile) -> Figure:
    """Horizontal bars, one pair a call that costs something: share of FLOPs and of parameters.

    Raises:
        ValueError: if a size is unknown.
    """
    if profile.symbols:
        raise ValueError(
            f"{profile.name!r} has unknown sizes {', '.join(profile.symbols)}, so there are no "
            f"lengths to draw; give them first: profile.at({profile.symbols[0]}=178).plot()."
        )
    layers = [layer for layer in profile.layers if layer.flops or layer.params][::-1]
    figure = Figure(figsize=(8, 1.4 + 0.42 * max(len(layers), 2)), layout="constrained")
    axes = figure.subplots()
    series = (
        ("FLOPs", 0.2, "#0072b2", [layer.flops for layer in layers], profile.flops),
        ("parameters", -0.2, "#e69f00", [layer.params for layer in layers], profile.params),
    )
    for name, offset, color, values, whole in series:
        shares = [100 * value / whole if whole else 0 for value in values]
        places = [at + offset for at in range(len(layers))]
        bars = axes.barh(places, shares, 0.36, color=color, label=f"{name}: {number(whole)}")
        labels = [number(value) if value else "" for value in values]
        axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.set_yticks(range(len(layers)), [layer.path for layer in layers])
    axes.set_xlim(0, 115)
    axes.set_xlabel("share of the total [%]")
    at_least = "≥ " if profile.unsupported else ""
    axes.set_title(
        f"{profile.name}: {at_least}{number(profile.flops)} FLOPs ({profile.convention})"
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    return figure
