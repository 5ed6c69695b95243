"""The claims of the sources: every count with a reading is reproduced, the others say why not."""

import csv
from importlib.resources import files

import pytest

import kerasnets as kn
from kerasnets.profiling import check_claims, claims_text


@pytest.fixture(scope="module")
def claims():
    return check_claims(kn.build)


def test_every_count_and_every_convention_reproduces_exactly(claims):
    expected = [c for c in claims if c.reproduced_by.split()[0] in ("count", "convention")]
    assert len(expected) == 17
    assert all(claim.holds for claim in expected)
    assert all(str(claim.ours) == claim.stated for claim in expected)


def test_counts_that_do_not_reproduce_say_why(claims):
    others = [claim for claim in claims if claim.holds is False]
    assert {claim.reproduced_by for claim in others} == {"no"}
    assert all(claim.note for claim in others)


def test_our_exact_counts_are_those_of_the_table(claims):
    text = files("kerasnets.profiling").joinpath("claims.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    for row, claim in zip(rows, claims, strict=True):
        if row["exact"]:
            assert claim.exact == int(row["exact"])


def test_figures_of_training_are_listed_without_a_check(claims):
    trained = [claim for claim in claims if claim.ours is None]
    assert {claim.reproduced_by for claim in trained} == {"train", "trees", "study"}
    assert all(claim.holds is None for claim in trained)


def test_the_table_names_every_claim(claims):
    text = claims_text(claims)
    assert "17 of 23 counts reproduced." in text
    assert "~10000 (no): a guess that misses the 178 time steps." in text
    assert sum(line.startswith("│") for line in text.splitlines()) == len(claims)
