"""The profile for other programs: JSON and CSV with plain numbers."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from kerasnets.profiling.sizes import Size
from kerasnets.profiling.table import format_shape
from kerasnets.profiling.totals import LayerProfile, ProfileTotals


def csv_text(profile: ProfileTotals) -> str:
    """The rows as CSV: a header, then one line per call."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    records = [layer_record(layer) for layer in profile.layers]
    writer.writerow(records[0] if records else ())
    writer.writerows(record.values() for record in records)
    return out.getvalue()


def json_text(profile: ProfileTotals) -> str:
    """The rows and totals as JSON. Numbers that depend on an unknown size are strings."""
    record = {
        "name": profile.name,
        "convention": profile.convention,
        "mode": profile.mode,
        "symbols": list(profile.symbols),
        "params": profile.params,
        "trainable_params": profile.trainable_params,
        "param_bytes": dict(profile.param_bytes),
        "macs": _number(profile.macs),
        "flops": _number(profile.flops),
        "phases": {phase: _number(cost) for phase, cost in profile.phases.items()},
        "activation_bytes": _number(profile.activation_bytes),
        "peak_bytes": _number(profile.peak_bytes),
        "sequences": _sequences(profile),
        "complete": not profile.unsupported,
        "unsupported": list(profile.unsupported),
        "layers": [layer_record(layer) for layer in profile.layers],
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def layer_record(layer: LayerProfile) -> dict[str, Any]:
    """One row as plain values."""
    counts = asdict(layer.counts)
    return {
        "layer": layer.path,
        "type": layer.type,
        "output_shape": ", ".join(map(format_shape, layer.output_shapes)),
        "params": layer.params,
        "trainable_params": layer.trainable_params,
        "macs": _number(layer.macs),
        "flops": _number(layer.flops),
        **{name: _number(value) for name, value in counts.items()},
        "activation_bytes": _number(layer.activation_bytes),
        "live_bytes": _number(layer.live_bytes),
        "moved_bytes": _number(layer.moved_bytes),
        "supported": layer.supported,
        "note": layer.reason,
    }


def _number(value: Size) -> int | str:
    return value if isinstance(value, int) else str(value)


def _sequences(profile: ProfileTotals) -> dict[str, int | str] | None:
    if profile.sequences is None:
        return None
    return {name: _number(value) for name, value in asdict(profile.sequences).items()}
