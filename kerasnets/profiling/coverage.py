"""Which layers are counted, which are not, and why."""

from __future__ import annotations

import inspect

from kerasnets._lazy import keras
from kerasnets.profiling import rules as _rules  # noqa: F401  registers the rules
from kerasnets.profiling.registry import Uncounted, of_class

# Lambda and Pipeline only call what they are given, so they are read from a symbolic call.
_COUNTED = "counted"
_BASE = "unsupported: a base class; what a subclass computes is read from a symbolic call"


def coverage() -> dict[str, str]:
    """What becomes of every layer class of ``keras.layers``, by name.

    Returns:
        ``"counted"``, ``"ignored: …"`` with the reason, or ``"unsupported: …"`` with the reason.
    """
    return {name: _state(name, cls) for name, cls in sorted(_layer_classes().items())}


def _layer_classes() -> dict[str, type]:
    """The layer classes by their public names; of several names the class's own."""
    public = {
        name: cls
        for name, cls in vars(keras.layers).items()
        if inspect.isclass(cls) and issubclass(cls, keras.layers.Layer)
    }
    own = {cls for name, cls in public.items() if cls.__name__ == name}
    return {name: cls for name, cls in public.items() if cls not in own or cls.__name__ == name}


def _state(name: str, cls: type) -> str:
    found = of_class(cls)
    if isinstance(found, Uncounted):
        return f"{'ignored' if found.complete else 'unsupported'}: {found.reason}"
    if found is None and name in ("Layer", "Wrapper"):
        return _BASE
    return _COUNTED
