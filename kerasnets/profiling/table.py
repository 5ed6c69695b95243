"""The profile as a table in plain text, Markdown and HTML."""

from __future__ import annotations

from kerasnets._display import html_block
from kerasnets._tables import markdown_table, text_table
from kerasnets.profiling.sizes import Shape, Size, format_size
from kerasnets.profiling.totals import LayerProfile, ProfileTotals

HEADERS = ("Layer", "Type", "Output shape", "Params", "MACs", "FLOPs", "Share")
_ALIGN = "lllrrrr"


def rows(profile: ProfileTotals) -> list[tuple[str, ...]]:
    """The cells of the table, one row per call."""
    return [_row(layer, profile.flops) for layer in profile.layers]


def _row(layer: LayerProfile, flops: Size) -> tuple[str, ...]:
    at_least = "" if layer.supported else "≥ "
    return (
        layer.path,
        layer.type,
        ", ".join(map(format_shape, layer.output_shapes)),
        format_size(layer.params),
        at_least + format_size(layer.macs),
        at_least + format_size(layer.flops),
        _share(layer.flops, flops),
    )


def format_shape(shape: Shape) -> str:
    """Format a shape as ``(174, 6)``; a single axis as ``(16,)``."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _share(flops: Size, sum_of_flops: Size) -> str:
    """The share in per cent, ``"97.2 %"``; empty if it depends on an unknown size."""
    if sum_of_flops == 0 or not isinstance(flops, int) or not isinstance(sum_of_flops, int):
        return ""
    return f"{100 * flops / sum_of_flops:.1f} %"


def totals(profile: ProfileTotals) -> list[str]:
    """The lines below the table."""
    at_least = "≥ " if profile.unsupported else ""
    params = f"{profile.params:,} ({_bytes(sum(profile.param_bytes.values()))})"
    lines = [
        f"Parameters: {params}, {profile.trainable_params:,} trainable",
        f"MACs: {at_least}{format_size(profile.macs)}",
        f"FLOPs ({profile.convention}): {at_least}{format_size(profile.flops)}",
        f"Activations: {_bytes(profile.peak_bytes)} alive at peak",
    ]
    if profile.mode == "training":
        parts = (f"{phase} {format_size(cost)}" for phase, cost in profile.phases.items())
        lines.insert(3, f"of which {', '.join(parts)}")
    if (sequences := profile.sequences) is not None:
        count = f"{sequences.samples:,} sequences"
        padded, true = format_size(sequences.padded), format_size(sequences.true)
        lines += [
            f"One step of all recurrent layers: {format_size(sequences.per_step)} FLOPs",
            f"{count} padded to {sequences.time} steps: {at_least}{padded} FLOPs",
            f"{count} at their true lengths: {at_least}{true} FLOPs",
        ]
    return lines + [f"Not counted: {line}" for line in profile.unsupported]


def _bytes(count: Size) -> str:
    """Format bytes as ``11.5 KB``, with 1,024 bytes per KB as in ``model.summary()``."""
    if not isinstance(count, int):
        return f"{count} B"
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def text(profile: ProfileTotals, width: int | None = None) -> str:
    """Title, table and totals as plain text, in lines of at most ``width`` columns."""
    table = text_table(HEADERS, rows(profile), _ALIGN, width=width)
    return "\n".join([title(profile), table, *totals(profile)])


def markdown(profile: ProfileTotals) -> str:
    """Title, table and totals as Markdown."""
    table = markdown_table(HEADERS, rows(profile), _ALIGN)
    lines = "  \n".join(totals(profile))
    return f"**{title(profile)}**\n\n{table}\n\n{lines}\n"


def html(profile: ProfileTotals) -> str:
    """Title, table and totals as HTML; all text is escaped."""
    return html_block(title(profile), None, HEADERS, rows(profile), _ALIGN, totals(profile))


def title(profile: ProfileTotals) -> str:
    """The title of the table: model, mode and convention."""
    return f"{profile.name}, {profile.mode} on one sample, convention {profile.convention}"
