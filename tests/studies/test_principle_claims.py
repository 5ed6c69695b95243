"""The claims of S4 about its principles, checked with example measurements."""

from __future__ import annotations

import pytest

from kerasnets.studies import principle_claims
from kerasnets.studies.principle_claims import reproduce_principles
from kerasnets.studies.workspace import Workspace

NET = {
    "accuracy": 1.0,
    "units": 32,
    "dead": 3,
    "dead at the start": 1,
    "dead after the negatives": 3,
    "positives recognised after the negatives": 0.0,
    "different units": [16, 16],
    "flat from epoch": 16,
}
MEASURED = {
    "activations": {
        "circle, ReLU": NET,
        "circle, sigmoid": {**NET, "flat from epoch": 389, "accuracy": 0.99},
    },
    "initialisation": {
        "circle, ReLU, zeros": {**NET, "dead": 32, "accuracy": 0.5},
        "gaussians, sigmoid, zeros": {**NET, "different units": [1, 1], "flat from epoch": 305},
    },
    "order": {
        "negatives first, learning rate 0.1": NET,
        "negatives first, learning rate 1": {**NET, "dead": 5, "accuracy": 0.97},
    },
    "xor": {
        "by hand": {"parameters": 9, "largest error": 0.0},
        "seeds": 200,
        "exact": {"1": 0.0, "2": 0.25},
    },
}


@pytest.fixture
def answers(monkeypatch, tmp_path):
    monkeypatch.setattr(principle_claims, "run_principles", lambda work: MEASURED)
    results = reproduce_principles(Workspace(tmp_path))
    return {(result.system, result.quantity): result for result in results}


@pytest.mark.parametrize(
    ("system", "quantity", "ours", "answer"),
    [
        ("ReLU against sigmoid", "epochs until the loss is flat", "16 and 389", "reproduced"),
        ("zero initialisation", "dead ReLU units", "32 of 32", "reproduced"),
        ("zero initialisation", "test accuracy of ReLU", "50 %", "reproduced"),
        ("all negatives first", "test accuracy in the end", "100 %", "not reproduced"),
        ("XOR", "layers of the smallest ReLU net", "2", "reproduced"),
    ],
)
def test_measurements_are_compared_with_the_claims(answers, system, quantity, ours, answer):
    assert answers[system, quantity].ours == ours
    assert answers[system, quantity].answer == answer


def test_the_difference_of_the_test_errors_decides_whether_they_are_equal(answers):
    result = answers["ReLU against sigmoid", "test error of ReLU minus that of sigmoid"]
    assert result.ours == "-0.010"
    assert result.answer == "reproduced"


def test_notes_contain_the_other_measurements(answers):
    assert "(97 % right, 5 of 32 units dead)" in answers[
        "all negatives first", "test accuracy in the end"
    ].note  # fmt: skip
    assert "share of 200 seeds that learn it exactly: 0 % with 1, 25 % with 2" in answers[
        "XOR", "layers of the smallest ReLU net"
    ].note  # fmt: skip


def test_only_xor_needs_no_data(answers):
    assert {system for (system, _), result in answers.items() if not result.data} == {"XOR"}
