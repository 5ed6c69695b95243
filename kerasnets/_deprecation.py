"""Old names that still work for one version, with a warning."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def renamed_attributes(module: str, new_names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module ``__getattr__`` that still accepts old names.

    Args:
        module: the module's ``__name__``.
        new_names: the new name for each old one, in the same module, or a dotted path
            ``"package.module.name"`` if it moved.

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


def renamed_arguments(**new_names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function whose keyword arguments were renamed; the old names still work.

    Args:
        **new_names: the new name for each old one, such as ``min_leaves="min_samples_leaf"``.

    Returns:
        A decorator. The decorated function warns with a ``DeprecationWarning`` when it gets an old
        name, and raises ``TypeError`` when it gets both names of an argument.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            for old in new_names.keys() & kwargs:
                new = new_names[old]
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() got {new} and its old name {old}.")
                warn_renamed(f"{function.__name__}({old}=…)", f"{function.__name__}({new}=…)")
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return wrapper

    return decorate
