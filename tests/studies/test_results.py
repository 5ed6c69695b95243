"""The table of claims: which claims are reproduced, not reproduced, or not decided."""

from __future__ import annotations

import csv
import json

import pytest

from kerasnets.data import load_data
from kerasnets.studies.results import answer_claim, results_markdown, results_text, write_results

ROW = {"part": "digits", "source": "S4", "system": "net | one", "quantity": "test accuracy",
       "stated": "98.53", "note": "a reading"}  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "answer"),
    [(98.526, "reproduced"), (98.524, "not reproduced"), (99.0, "reproduced")],
)
def test_a_number_is_rounded_to_the_stated_decimals(ours, answer):
    result = answer_claim(ROW, ours)
    assert result.answer == answer
    assert result.ours == f"{ours:.2f}"


def test_quick_runs_and_other_data_do_not_decide_a_claim():
    assert answer_claim(ROW, 99.0, quick=True).answer == "quick"
    assert answer_claim(ROW, 99.0, quick=True, same_data=False).answer == "quick"
    other = answer_claim(ROW, 99.0, load_data("gaussians-simulated"), same_data=False, note="why")
    assert other.answer == "other data"
    assert other.data == "gaussians-simulated, by row"
    assert other.note == "a reading; why"


def test_the_three_files_have_the_same_content(tmp_path):
    results = [
        answer_claim(ROW, 99.0, seeds=[0, 1]),
        answer_claim({**ROW, "note": ""}, "text", holds=False),
    ]
    write_results(tmp_path, results, {"digits": 12.3})
    rows = json.loads((tmp_path / "results.json").read_text())["results"]
    with (tmp_path / "results.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == rows
    page = (tmp_path / "results.md").read_text()
    assert "| S4 | net \\| one | test accuracy | 98.53 | 99.00 |  | 0, 1 | reproduced | 1 |" in page
    assert "1. a reading" in page
    assert "2 claims: 1 reproduced, 1 not reproduced" in page
    assert "Seconds: digits 12" in page


def test_a_quick_table_says_so():
    results = [answer_claim(ROW, 99.0, quick=True)]
    for text in (results_text(results, {}), results_markdown(results, {})):
        assert "QUICK: trained for one epoch" in text
        assert "reproduced" not in text
