"""The catalogue: the names of all networks, their builders, and what they are made for."""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from kerasnets._errors import unknown_name
from kerasnets.nets.figures import figures_of
from kerasnets.nets.spec import NetSpec, Settings

if TYPE_CHECKING:
    import keras

# Importing these modules fills the catalogue. It does not import TensorFlow.
_MODULES = ("mlp", "cnn", "spectral", "recurrent", "mortality", "lenet", "digits", "tabular")

Builder = TypeVar("Builder", bound=Callable[..., Any])

_SPECS: dict[str, NetSpec] = {}


def register(
    name: str,
    *,
    data: str,
    source: str,
    recipe_by_data: Mapping[str, Settings] | None = None,
    as_reported: Settings | None = None,
    **recipe: Any,
) -> Callable[[Builder], Builder]:
    """Add the decorated builder to the catalogue.

    The first line of its docstring becomes the summary of the network.

    Args:
        name: the name to build the network by; it must be new.
        data: the data set it is made for.
        source: where it comes from: course reports such as ``"S1 S2"``, or ``"own"``.
        recipe_by_data: default recipes for some data sets, by their name; each replaces ``recipe``.
        as_reported: the settings of the course reports, if it comes from them.
        recipe: the settings in which its default recipe differs from the general default.

    Raises:
        ValueError: the name is taken, the builder has no docstring, or one of its arguments is
            positional or has no default.
    """

    def add_builder(builder: Builder) -> Builder:
        doc = inspect.getdoc(builder)
        if not doc:
            raise ValueError(f"The builder of {name!r} needs a docstring: it is the net's summary.")
        for parameter in inspect.signature(builder).parameters.values():
            if parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is parameter.empty:
                raise ValueError(
                    f"The argument {parameter.name!r} of the builder of {name!r} must be "
                    "keyword-only and have a default."
                )
        summary = doc.partition("\n")[0]
        by_data, reported = _frozen_by_data(recipe_by_data), _frozen(as_reported)
        settings = MappingProxyType(recipe)
        _add(NetSpec(name, builder, data, source, summary, settings, by_data, reported))
        return builder

    return add_builder


def variant(
    name: str,
    *,
    of: str,
    source: str,
    summary: str,
    recipe: Settings | None = None,
    recipe_by_data: Mapping[str, Settings] | None = None,
    as_reported: Settings | None = None,
    **defaults: Any,
) -> None:
    """Add a network to the catalogue that is another one with other defaults.

    Args:
        name: the name to build the variant by; it must be new.
        of: the name of the other network. The variant has its builder and its data set.
        source: where it comes from: course reports such as ``"S1 S2"``, or ``"own"``.
        summary: one line that describes the variant.
        recipe: the settings in which its default recipe differs from the general default.
            Default: the default recipes of the other network.
        recipe_by_data: as for :func:`register`. Default: those of the other network, if ``recipe``
            is also missing.
        as_reported: as for :func:`register`. Default: those of the other network, unless the
            source of this one is ``"own"``.
        defaults: arguments of the builder with the defaults of the variant.

    Raises:
        ValueError: the name is taken, there is no network ``of``, or its builder has no such
            argument.
    """
    if of not in _SPECS:
        raise unknown_name("net", of, _SPECS)
    base = _SPECS[of]
    _check_arguments(base, defaults)
    builder = functools.partial(base.builder, **defaults)
    if recipe is None and recipe_by_data is None:
        recipe_by_data = base.recipe_by_data
    if as_reported is None and source != "own":
        as_reported = base.as_reported
    recipe = MappingProxyType(dict(base.recipe if recipe is None else recipe))
    by_data, reported = _frozen_by_data(recipe_by_data), _frozen(as_reported)
    _add(NetSpec(name, builder, base.data, source, summary, recipe, by_data, reported))


def _frozen(settings: Settings | None) -> Settings | None:
    return None if settings is None else MappingProxyType(dict(settings))


def _frozen_by_data(recipes: Mapping[str, Settings] | None) -> Mapping[str, Settings]:
    return MappingProxyType(
        {data: MappingProxyType(dict(settings)) for data, settings in (recipes or {}).items()}
    )


def _add(spec: NetSpec) -> None:
    if spec.name in _SPECS:
        raise ValueError(f"The net {spec.name!r} is already registered; choose another name.")
    _SPECS[spec.name] = replace(spec, **vars(figures_of(spec.name)))


def own_spec(name: str) -> NetSpec | None:
    """The entry of a network that the user has registered; ``None`` for one of this package."""
    spec = describe(name)
    builder = spec.builder.func if isinstance(spec.builder, functools.partial) else spec.builder
    return None if builder.__module__.startswith("kerasnets.") else spec


def add_spec(spec: NetSpec) -> None:
    """Add an entry of another process to the catalogue, unless its name is known here."""
    _load_catalogue()
    _SPECS.setdefault(spec.name, spec)


def _check_arguments(spec: NetSpec, arguments: Mapping[str, Any]) -> None:
    for name in arguments:
        if name not in spec.arguments:
            raise unknown_name(f"argument of {spec.name}", name, spec.arguments)


@functools.cache
def _load_catalogue() -> None:
    for module in _MODULES:
        importlib.import_module(f"kerasnets.nets.{module}")


def list_nets(pattern: str = "*") -> list[str]:
    """The sorted names of the networks that match a shell pattern, such as ``"seizure-*"``."""
    _load_catalogue()
    return sorted(fnmatch.filter(_SPECS, pattern))


def describe(name: str) -> NetSpec:
    """The entry of a network in the catalogue.

    Raises:
        ValueError: there is no such network. The message lists the closest names.
    """
    _load_catalogue()
    if name not in _SPECS:
        raise unknown_name("net", name, _SPECS)
    return _SPECS[name]


def build(name: str, **arguments: Any) -> keras.Model:
    """Build a network by name, with new random weights.

    Args:
        name: a name from :func:`list_nets`.
        arguments: arguments of the builder, such as widths, rates and activation functions;
            ``describe(name).arguments`` lists them with their defaults.

    Returns:
        A functional ``keras.Model`` of this name. Its last layer returns logits.

    Raises:
        ValueError: there is no such network, it has no such argument, or a value is not allowed.
    """
    spec = describe(name)
    _check_arguments(spec, arguments)
    model = spec.builder(**arguments)
    model.name = name
    return model
