"""Models for live streams, and divisions of a sequence into chunks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from kerasnets._lazy import keras

_SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "tables" / "variants" / "streams.py"


def load_variants() -> ModuleType:
    """The models of scripts/tables/streams.py."""
    if "stream_variants" not in sys.modules:
        spec = importlib.util.spec_from_file_location("stream_variants", _SCRIPT)
        module = importlib.util.module_from_spec(spec)
        sys.modules["stream_variants"] = module
        spec.loader.exec_module(module)
    return sys.modules["stream_variants"]


VARIANTS = load_variants().VARIANTS


def build_variant(name: str) -> keras.Model:
    """A model of the script, with random weights."""
    return load_variants().build(name)


def detector() -> keras.Model:
    """A classifier with every kind of state: samples, a GRU, a mean, a maximum."""
    keras.utils.set_random_seed(5)
    nn = keras.layers
    x = keras.Input((None, 2), name="x")
    h = nn.Conv1D(4, 5, strides=2, activation="tanh", name="conv")(x)
    h = nn.GRU(4, return_sequences=True, name="gru")(h)
    pooled = [
        nn.GlobalAveragePooling1D(name="mean")(h),
        nn.GlobalMaxPooling1D(name="max")(h),
        nn.GRU(3, name="last")(h),
    ]
    net = keras.Model(x, nn.Dense(3, name="logits")(nn.Concatenate()(pooled)), name="detector")
    net.get_layer("logits").bias.assign([0.1, -0.2, 0.3])
    return net


def divide(arrays: dict[str, np.ndarray], *edges: int) -> list[dict[str, np.ndarray]]:
    """Cut arrays ``(batch, steps, …)`` at some steps."""
    steps = next(iter(arrays.values())).shape[1]
    ends = [*edges, steps]
    return [
        {name: array[:, start:end] for name, array in arrays.items()}
        for start, end in zip([0, *edges], ends, strict=True)
    ]
