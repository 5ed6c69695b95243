"""The types of the settings are those of the recipe, and signatures show them."""

from __future__ import annotations

import inspect
import typing

import kerasnets as kn
from kerasnets.studies.search import search
from kerasnets.training import Recipe
from kerasnets.training.typed_settings import SearchSettings, Settings


def types_of(owner, *left_out):
    hints = typing.get_type_hints(owner)
    return {name: hint for name, hint in hints.items() if name not in left_out}


def test_the_types_are_those_of_the_recipe():
    assert types_of(Settings) == types_of(Recipe, "net", "data")
    assert types_of(SearchSettings) == types_of(Recipe, "net", "seed")
    assert Settings.__required_keys__ == SearchSettings.__required_keys__ == frozenset()


def test_signatures_show_every_setting_with_its_type_and_default():
    for function in (kn.train, search):
        parameters = inspect.signature(function).parameters
        assert set(Recipe.fields()) <= {*parameters, "net"}
        assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())
    epochs = inspect.signature(kn.train).parameters["epochs"]
    assert epochs.annotation == "int"
    assert repr(epochs.default) == "<default of the net, or 20>"


def test_type_checkers_see_the_settings():
    settings = kn.train.__annotations__["settings"]
    assert settings == "Unpack[Settings]"


def test_defaults_and_choices():
    assert Recipe.defaults()["epochs"] == 20
    assert "net" not in Recipe.defaults()
    assert Recipe.choices()["schedule"] == ("constant", "cosine", "exponential")
