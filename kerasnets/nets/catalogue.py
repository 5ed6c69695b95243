"""The catalogue: which networks there are, who builds them, and what they are meant for."""

from __future__ import annotations

import fnmatch
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from kerasnets._errors import unknown_name

if TYPE_CHECKING:
    import keras

# The modules whose import fills the catalogue. They do not import TensorFlow.
_MODULES = ("mlp", "cnn", "spectral", "recurrent", "mortality", "lenet", "digits", "tabular")

Builder = TypeVar("Builder", bound=Callable[..., Any])


@dataclass(frozen=True)
class NetSpec:
    """What the catalogue knows of a network.

    Attributes:
        name: the name it is built by.
        builder: the function that builds it; every argument is keyword-only with a default.
        data: the data set it is meant for.
        source: the documents it comes from, such as ``"S1 S2 S5"``; ``"own"`` for ours.
        recipe: what its default recipe sets otherwise than the general one.
    """

    name: str
    builder: Callable[..., keras.Model]
    data: str
    source: str
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring."""
        return inspect.getdoc(self.builder).partition("\n")[0]  # type: ignore[union-attr]

    @property
    def arguments(self) -> dict[str, Any]:
        """The builder's arguments with their defaults."""
        parameters = inspect.signature(self.builder).parameters
        return {name: parameter.default for name, parameter in parameters.items()}


_SPECS: dict[str, NetSpec] = {}


def register(name: str, *, data: str, source: str, **recipe: Any) -> Callable[[Builder], Builder]:
    """Enter the decorated builder into the catalogue.

    Args:
        name: the name to build it by; must be new.
        data: the data set it is meant for.
        source: the documents it comes from, or ``"own"``.
        recipe: what its default recipe sets otherwise than the general one.

    Raises:
        ValueError: if the name is taken, the docstring is missing, or an argument of the
            builder is positional or has no default.
    """

    def enter(builder: Builder) -> Builder:
        if name in _SPECS:
            raise ValueError(
                f"The net {name!r} is already registered by {_SPECS[name].builder.__qualname__}; "
                "give the new one another name."
            )
        if not builder.__doc__:
            raise ValueError(f"The builder of {name!r} needs a docstring: it is the net's summary.")
        for parameter in inspect.signature(builder).parameters.values():
            if parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is parameter.empty:
                raise ValueError(
                    f"The argument {parameter.name!r} of the builder of {name!r} must be "
                    "keyword-only and have a default."
                )
        _SPECS[name] = NetSpec(name, builder, data, source, MappingProxyType(recipe))
        return builder

    return enter


@cache
def _load() -> None:
    for module in _MODULES:
        importlib.import_module(f"kerasnets.nets.{module}")


def list_nets(pattern: str = "*") -> list[str]:
    """The sorted names of the networks that match a shell pattern, such as ``"seizure-*"``."""
    _load()
    return sorted(fnmatch.filter(_SPECS, pattern))


def describe(name: str) -> NetSpec:
    """What the catalogue knows of a network.

    Raises:
        ValueError: if there is no such net; the message names the nearest ones.
    """
    _load()
    if name not in _SPECS:
        raise unknown_name("net", name, _SPECS)
    return _SPECS[name]


def build(name: str, **arguments: Any) -> keras.Model:
    """Build a network by name, with fresh weights.

    Args:
        name: a name of :func:`list_nets`.
        arguments: the builder's own arguments: widths, rates, activations.

    Returns:
        A functional ``keras.Model`` whose last layer gives logits.

    Raises:
        ValueError: if there is no such net, or it has no such argument.
    """
    spec = describe(name)
    for argument in arguments:
        if argument not in spec.arguments:
            raise unknown_name(f"argument of {name}", argument, spec.arguments)
    try:
        return spec.builder(**arguments)
    except TypeError as error:
        raise ValueError(f"{name} cannot be built with {arguments}: {error}") from error
