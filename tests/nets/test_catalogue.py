"""The catalogue: names, summaries, variants, and errors for wrong names and arguments."""

from __future__ import annotations

import subprocess
import sys

import keras
import pytest

import kerasnets as kn
from kerasnets.nets import catalogue, variant

SEIZURE = [
    "seizure-bigru",
    "seizure-cnn",
    "seizure-cnn-dropout",
    "seizure-cnn-five-block",
    "seizure-cnn-three-dense",
    "seizure-gru",
    "seizure-gru-2",
    "seizure-gru-2x32",
    "seizure-gru-5",
    "seizure-gru-stepped",
    "seizure-mlp",
    "seizure-mlp-stepped",
    "seizure-mlp-two-hidden",
    "seizure-mlp-wide",
    "seizure-spectral",
    "seizure-spectral-long",
    "seizure-spectral-small",
]


@pytest.fixture
def own_catalogue(monkeypatch):
    """A copy of the catalogue that a test may add to."""
    monkeypatch.setattr(catalogue, "_SPECS", dict(catalogue._SPECS))


def test_names_are_sorted_and_match_patterns():
    assert kn.list_nets("seizure-*") == SEIZURE
    assert kn.list_nets("seizure-gru-?") == ["seizure-gru-2", "seizure-gru-5"]
    assert kn.list_nets("no-such-*") == []


@pytest.mark.parametrize("name", kn.list_nets())
def test_every_entry_is_complete(name):
    spec = kn.describe(name)
    assert spec.name == name
    assert spec.data
    assert spec.source == "own" or set(spec.source.split()) <= {"S1", "S2", "S3", "S4", "S5"}
    assert spec.summary.endswith(".")
    assert "classes" in spec.arguments


@pytest.mark.parametrize("name", kn.list_nets())
def test_nets_of_the_reports_and_only_they_have_the_recipe_as_reported(name):
    spec = kn.describe(name)
    from_report = spec.source != "own"
    assert spec.recipes == (("default", "as-reported") if from_report else ("default",))
    if from_report:
        assert spec.settings(recipe="as-reported") == spec.as_reported
    else:
        message = f"{name} is not in the course reports, so it has no recipe 'as-reported'"
        with pytest.raises(ValueError, match=message):
            spec.settings(recipe="as-reported")


def test_an_unknown_recipe_lists_the_recipes():
    message = "Unknown recipe of xor 'reported'.*'as-reported'.*Allowed: as-reported, default"
    with pytest.raises(ValueError, match=message):
        kn.describe("xor").settings(recipe="reported")
    with pytest.raises(ValueError, match=r"Allowed: default\."):
        kn.describe("seizure-spectral").settings(recipe="reported")


def test_the_default_recipe_depends_on_the_data(own_catalogue):
    @kn.register(
        "my-net", data="first", source="S1", recipe_by_data={"first": {"epochs": 1}},
        as_reported={}, epochs=2,
    )  # fmt: skip
    def builder(*, units=1):
        """A net."""

    spec = kn.describe("my-net")
    assert spec.settings() == spec.settings("first") == {"epochs": 1}
    assert spec.settings("second") == spec.recipe == {"epochs": 2}
    assert spec.settings("first", "as-reported") == {}
    facts = spec.facts()
    assert (facts["recipe"], facts["on first"]) == ("epochs=2", "epochs=1")
    assert facts["as-reported"] == "the general default"


def test_a_variant_has_the_recipes_of_its_net_unless_it_has_its_own(own_catalogue):
    @kn.register(
        "base", data="first", source="S1", recipe_by_data={"first": {"epochs": 1}},
        as_reported={"epochs": 3}, epochs=2,
    )  # fmt: skip
    def builder(*, units=1):
        """A net."""

    variant("same", of="base", source="S2", summary="Same.")
    variant("ours", of="base", source="own", summary="Ours.", recipe={"epochs": 4})
    variant("other", of="base", source="S2", summary="Other.", as_reported={"epochs": 5})
    same, ours, other = (kn.describe(name) for name in ("same", "ours", "other"))
    assert same.settings("first") == {"epochs": 1}
    assert (same.recipe, same.as_reported) == ({"epochs": 2}, {"epochs": 3})
    assert ours.settings("first") == {"epochs": 4}
    assert ours.as_reported is None
    assert (other.settings("first"), other.as_reported) == ({"epochs": 1}, {"epochs": 5})


def test_unknown_names_raise_an_error_with_the_closest_names():
    with pytest.raises(ValueError, match=r"Unknown net 'seizure-gro'\. Did you mean 'seizure-gru'"):
        kn.describe("seizure-gro")
    with pytest.raises(ValueError, match=r"Unknown net ''\. Allowed: covid-1"):
        kn.build("")


@pytest.mark.parametrize("name", ["seizure-gru", "seizure-gru-2"])
def test_unknown_arguments_raise_an_error_with_the_closest_names(name):
    with pytest.raises(ValueError, match=rf"argument of {name} 'unit'\. Did you mean 'units'"):
        kn.build(name, unit=32)


def test_a_name_is_registered_once(own_catalogue):
    def builder(*, units=1):
        """A net."""

    assert kn.register("my-net", data="seizure", source="S1", epochs=3)(builder) is builder
    assert dict(kn.describe("my-net").recipe) == {"epochs": 3}
    assert kn.describe("my-net").summary == "A net."
    with pytest.raises(ValueError, match="'my-net' is already registered; choose another name"):
        kn.register("my-net", data="seizure", source="S1")(builder)
    with pytest.raises(ValueError, match="'my-net' is already registered; choose another name"):
        variant("my-net", of="seizure-mlp", source="own", summary="A net.")


def test_builders_without_docstring_or_with_positional_arguments_are_refused(own_catalogue):
    def no_docstring(*, units=1):
        pass

    def positional(units=1):
        """A net."""

    def required(*, units):
        """A net."""

    with pytest.raises(ValueError, match="needs a docstring"):
        kn.register("my-net", data="d", source="S1")(no_docstring)
    for builder in (positional, required):
        with pytest.raises(ValueError, match="'units' of the builder of 'my-net' must be keyword"):
            kn.register("my-net", data="d", source="S1")(builder)


def test_a_type_error_inside_a_builder_is_not_hidden(own_catalogue):
    @kn.register("my-net", data="seizure", source="own")
    def builder(*, units=1):
        """A net with an error."""
        return len(units)

    with pytest.raises(TypeError, match="has no len"):
        kn.build("my-net", units=3)


def test_the_catalogue_names_the_model(own_catalogue):
    @kn.register("my-net", data="seizure", source="own")
    def builder(*, classes=2):
        """A logistic regression."""
        inputs = keras.Input((3,))
        return keras.Model(inputs, keras.layers.Dense(classes)(inputs), name="other")

    assert kn.build("my-net").name == "my-net"


def test_a_variant_has_the_builder_data_and_recipe_of_its_net_and_its_own_defaults(own_catalogue):
    variant("my-gru", of="seizure-gru", source="own", summary="A GRU.", units=(4, 3))
    base, spec = kn.describe("seizure-gru"), kn.describe("my-gru")
    assert (spec.data, spec.source, spec.summary) == ("seizure", "own", "A GRU.")
    assert spec.recipe == base.recipe
    assert spec.arguments == {**base.arguments, "units": (4, 3)}
    assert base.arguments["units"] == 16
    net = kn.build("my-gru", classes=2)
    assert net.name == "my-gru"
    # Two GRU layers with two bias vectors, and a dense layer.
    assert net.count_params() == 3 * 4 * (1 + 4 + 2) + 3 * 3 * (4 + 3 + 2) + (3 + 1) * 2
    assert kn.build("my-gru", units=5).count_params() == 3 * 5 * (1 + 5 + 2) + (5 + 1) * 5


def test_a_variant_of_a_variant_and_one_with_its_own_recipe(own_catalogue):
    variant("first", of="seizure-gru", source="own", summary="1.", recipe={"epochs": 3}, units=4)
    variant("second", of="first", source="own", summary="2.", dropout=0.5)
    arguments = kn.describe("second").arguments
    assert (arguments["units"], arguments["dropout"]) == (4, 0.5)
    assert dict(kn.describe("second").recipe) == {"epochs": 3}


def test_variants_of_unknown_nets_or_with_unknown_arguments_are_refused(own_catalogue):
    with pytest.raises(ValueError, match="Unknown net 'seizure-gro'"):
        variant("my-net", of="seizure-gro", source="own", summary="A net.")
    with pytest.raises(ValueError, match="Unknown argument of seizure-gru 'filters'"):
        variant("my-net", of="seizure-gru", source="own", summary="A net.", filters=3)
    assert "my-net" not in kn.list_nets()


def test_names_and_descriptions_need_no_tensorflow():
    code = (
        "import sys, kerasnets as kn; kn.list_nets(); kn.describe('seizure-cnn').summary; "
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
