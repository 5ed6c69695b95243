"""Which layers are counted, which are not, and why."""

from __future__ import annotations

import inspect

from kerasnets._lazy import keras
from kerasnets.profiling import rules as _rules  # noqa: F401  registers the rules
from kerasnets.profiling.registry import Uncounted, of_class

# These only call what they are given, or nothing at all, so they are read from a symbolic call.
_READ = "counted"
_BASES = "unsupported: a base class; what a subclass computes is read from a symbolic call"


def coverage() -> dict[str, str]:
    """What becomes of every layer class of ``keras.layers``, by name.

    Returns:
        ``"counted"``, ``"ignored: …"`` with the reason, or ``"unsupported: …"`` with the reason.
    """
    return {name: _state(name, cls) for name, cls in sorted(_layer_classes().items())}


def _layer_classes() -> dict[str, type]:
    return {
        cls.__name__: cls
        for cls in vars(keras.layers).values()
        if inspect.isclass(cls) and issubclass(cls, keras.layers.Layer)
    }


def _state(name: str, cls: type) -> str:
    found = of_class(cls)
    if isinstance(found, Uncounted):
        return f"{'ignored' if found.complete else 'unsupported'}: {found.reason}"
    if found is None and name in ("Layer", "Wrapper"):
        return _BASES
    return _READ
