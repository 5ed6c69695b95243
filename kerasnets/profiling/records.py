"""The profile for programs: JSON and CSV with bare numbers."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from kerasnets.profiling.profile import LayerProfile, Profile
from kerasnets.profiling.sizes import Size
from kerasnets.profiling.table import shape


def csv_text(profile: Profile) -> str:
    """One line a call with bare numbers, for a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    records = [record_of(layer) for layer in profile.layers]
    writer.writerow(records[0] if records else ())
    writer.writerows(record.values() for record in records)
    return out.getvalue()


def json_text(profile: Profile) -> str:
    """Everything the table says, for programs; an unknown size makes a number a string."""
    record = {
        "name": profile.name,
        "convention": profile.convention,
        "mode": profile.mode,
        "symbols": list(profile.symbols),
        "params": profile.params,
        "trainable_params": profile.trainable_params,
        "param_bytes": dict(profile.param_bytes),
        "macs": _plain(profile.macs),
        "flops": _plain(profile.flops),
        "phases": {phase: _plain(cost) for phase, cost in profile.phases.items()},
        "activation_bytes": _plain(profile.activation_bytes),
        "peak_bytes": _plain(profile.peak_bytes),
        "sequences": _sequences(profile),
        "complete": not profile.unsupported,
        "unsupported": list(profile.unsupported),
        "layers": [record_of(layer) for layer in profile.layers],
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def record_of(layer: LayerProfile) -> dict[str, Any]:
    """A row as plain values."""
    counts = asdict(layer.counts)
    return {
        "layer": layer.path,
        "type": layer.type,
        "output_shape": ", ".join(map(shape, layer.output_shapes)),
        "params": layer.params,
        "trainable_params": layer.trainable_params,
        "macs": _plain(layer.macs),
        "flops": _plain(layer.flops),
        **{name: _plain(value) for name, value in counts.items()},
        "activation_bytes": _plain(layer.activation_bytes),
        "live_bytes": _plain(layer.live_bytes),
        "moved_bytes": _plain(layer.moved_bytes),
        "supported": layer.supported,
        "note": layer.reason,
    }


def _plain(value: Size) -> int | str:
    return value if isinstance(value, int) else str(value)


def _sequences(profile: Profile) -> dict[str, int | str] | None:
    if profile.sequences is None:
        return None
    return {name: _plain(value) for name, value in asdict(profile.sequences).items()}
