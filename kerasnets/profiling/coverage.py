"""Which Keras layers are counted, which are not, and why."""

from __future__ import annotations

import inspect

from kerasnets._lazy import keras
from kerasnets.profiling import rules as _rules  # noqa: F401  registers the rules
from kerasnets.profiling.registry import Uncounted, find_rule

_BASE = "unsupported: a base class; what a subclass computes is read from a symbolic call"


def coverage() -> dict[str, str]:
    """The state of every layer class in ``keras.layers``, by name.

    Returns:
        ``"counted"``, ``"ignored: <reason>"`` or ``"unsupported: <reason>"``.
    """
    return {name: _state(name, cls) for name, cls in sorted(_layer_classes().items())}


def _layer_classes() -> dict[str, type]:
    """The layer classes by public name; a class with several names is listed once."""
    public = {
        name: cls
        for name, cls in vars(keras.layers).items()
        if inspect.isclass(cls) and issubclass(cls, keras.layers.Layer)
    }
    named_as_class = {cls for name, cls in public.items() if cls.__name__ == name}
    return {
        name: cls
        for name, cls in public.items()
        if cls not in named_as_class or cls.__name__ == name
    }


def _state(name: str, cls: type) -> str:
    found = find_rule(cls)
    if isinstance(found, Uncounted):
        return f"{'ignored' if found.ignored else 'unsupported'}: {found.reason}"
    if found is None and name in ("Layer", "Wrapper"):
        return _BASE
    # Lambda and Pipeline have no rule: they are read from a symbolic call.
    return "counted"
