"""The stated counts: those with a convention are reproduced, the others have a note."""

import pytest

from kerasnets import profiling
from kerasnets.nets import build
from kerasnets.studies.claims import check_claims, claim_arguments, claims_text, read_claims


@pytest.fixture(scope="module")
def claims():
    return check_claims()


def test_every_count_with_a_convention_is_reproduced_exactly(claims):
    expected = [c for c in claims if c.reproduced_by.split()[0] in ("count", "convention")]
    assert len(expected) == 17
    assert all(claim.holds for claim in expected)
    assert all(str(claim.ours) == claim.stated for claim in expected)


def test_counts_that_are_not_reproduced_have_a_note(claims):
    others = [claim for claim in claims if claim.holds is False]
    assert {claim.reproduced_by for claim in others} == {"no"}
    assert all(claim.note for claim in others)


def test_exact_counts_agree_with_the_table(claims):
    for row, claim in zip(read_claims(), claims, strict=True):
        if row["exact"]:
            assert claim.exact == int(row["exact"])


def test_figures_that_need_training_are_listed_without_a_check(claims):
    trained = [claim for claim in claims if claim.ours is None]
    assert {claim.reproduced_by for claim in trained} == {"train", "trees", "study"}
    assert all(claim.holds is None for claim in trained)


def test_the_printed_table_has_one_row_per_claim(claims):
    text = claims_text(claims)
    assert "17 of 23 counts reproduced." in text
    assert "~10000 (no): a guess that misses the 178 time steps." in text
    assert sum(line.startswith("│") for line in text.splitlines()) == len(claims)


def test_claims_are_read_by_part():
    assert {row["part"] for row in read_claims("counts")} == {"counts"}
    assert read_claims("no such part") == []


def test_arguments_are_toml_values():
    expected = {"rescaling": "none", "epochs": 5, "reset_after": False}
    assert claim_arguments('rescaling="none" epochs=5 reset_after=false') == expected
    assert claim_arguments("") == {}


def test_the_old_names_in_profiling_still_work_and_warn(claims):
    with pytest.warns(DeprecationWarning, match=r"check_claims is now .*\.claims\.check"):
        old = profiling.check_claims
    assert old(build) == claims
    with pytest.warns(DeprecationWarning, match=r"claims_text is now .*\.claims\.claims"):
        assert profiling.claims_text is claims_text
