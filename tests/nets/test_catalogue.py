"""The catalogue: names, near misses, duplicates."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kerasnets as kn
from kerasnets.nets import catalogue

SEIZURE = {"seizure-mlp", "seizure-mlp-two-hidden", "seizure-mlp-stepped", "seizure-mlp-wide"} | {
    "seizure-cnn",
    "seizure-cnn-three-dense",
    "seizure-cnn-five-block",
    "seizure-cnn-dropout",
    "seizure-gru",
    "seizure-gru-2",
    "seizure-gru-5",
    "seizure-bigru",
    "seizure-gru-stepped",
    "seizure-gru-2x32",
    "seizure-spectral",
    "seizure-spectral-small",
    "seizure-spectral-long",
}


def test_names_are_sorted_and_match_patterns():
    assert kn.list_nets("seizure-*") == sorted(SEIZURE)
    assert kn.list_nets("seizure-gru-?") == ["seizure-gru-2", "seizure-gru-5"]
    assert kn.list_nets("no-such-*") == []


@pytest.mark.parametrize("name", kn.list_nets())
def test_every_entry_is_whole(name):
    spec = kn.describe(name)
    assert spec.name == name
    assert spec.data
    assert spec.source == "own" or set(spec.source.split()) <= {"S1", "S2", "S3", "S4", "S5"}
    assert spec.summary.endswith(".")
    assert "classes" in spec.arguments


def test_an_unknown_name_is_answered_with_near_misses():
    with pytest.raises(ValueError, match=r"Unknown net 'seizure-gro'\. Did you mean 'seizure-gru'"):
        kn.describe("seizure-gro")
    with pytest.raises(ValueError, match=r"Unknown net ''\. Allowed: covid-1"):
        kn.build("")


def test_an_unknown_argument_is_answered_with_near_misses():
    with pytest.raises(ValueError, match=r"argument of seizure-gru 'unit'\. Did you mean 'units'"):
        kn.build("seizure-gru", unit=32)


def test_a_name_is_registered_once(monkeypatch):
    monkeypatch.setattr(catalogue, "_SPECS", dict(catalogue._SPECS))

    def builder(*, units=1):
        """A net."""

    assert kn.register("my-net", data="seizure", source="S1", epochs=3)(builder) is builder
    assert dict(kn.describe("my-net").recipe) == {"epochs": 3}
    with pytest.raises(ValueError, match="'my-net' is already registered by"):
        kn.register("my-net", data="seizure", source="S1")(builder)


def test_a_builder_without_docstring_or_with_positional_arguments_is_refused(monkeypatch):
    monkeypatch.setattr(catalogue, "_SPECS", dict(catalogue._SPECS))

    def silent(*, units=1):
        pass

    def positional(units=1):
        """A net."""

    def required(*, units):
        """A net."""

    with pytest.raises(ValueError, match="needs a docstring"):
        kn.register("my-net", data="d", source="S1")(silent)
    for builder in (positional, required):
        with pytest.raises(ValueError, match="'units' of the builder of 'my-net' must be keyword"):
            kn.register("my-net", data="d", source="S1")(builder)


def test_names_and_descriptions_need_no_tensorflow():
    code = (
        "import sys, kerasnets as kn; kn.list_nets(); kn.describe('seizure-cnn').summary; "
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
