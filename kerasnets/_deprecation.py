"""Old names that still work for one version, with a warning."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def renamed_attributes(module: str, new_names: Mapping[str, str]) -> Callable[[str], Any]:
    """A module ``__getattr__`` under which old names still work.

    Args:
        module: the module's ``__name__``.
        new_names: for each old name, the new one in the same module, or a dotted path
            ``"package.module.name"`` where it moved.

    Returns:
        A function to assign to ``__getattr__`` at module level. It warns with a
        ``DeprecationWarning`` and raises ``AttributeError`` for any other name.
    """

    def getattribute(name: str) -> Any:
        if name not in new_names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, attribute = new_names[name].rpartition(".")
        home = home or module
        warn_renamed(f"{module}.{name}", f"{home}.{attribute}")
        return getattr(importlib.import_module(home), attribute)

    return getattribute


def warn_renamed(old: str, new: str) -> None:
    """Warn that a name has changed; the old one stops working in the next version."""
    warnings.warn(f"{old} is now {new}; use the new name.", DeprecationWarning, stacklevel=3)
