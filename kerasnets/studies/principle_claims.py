"""Compare what S4 states about its principles with our measurements."""

from __future__ import annotations

from typing import Any, NamedTuple

from kerasnets.data import load_data
from kerasnets.studies.claims import read_claims
from kerasnets.studies.principles import HIGH_RATE, run_principles
from kerasnets.studies.results import ClaimResult, answer_claim
from kerasnets.studies.workspace import Workspace

_SAME_ERROR = 0.02  # difference of test errors that counts as equal
Measured = dict[str, dict[str, Any]]


class Answer(NamedTuple):
    """Our value for a claim, whether the claim holds, and a note."""

    ours: str
    holds: bool
    note: str = ""


Answers = dict[tuple[str, str], Answer]  # by system and quantity


def reproduce_principles(work: Workspace) -> list[ClaimResult]:
    """Run all principles and check the claims of S4 about them."""
    measured = run_principles(work)
    answers = {
        **_activation_answers(measured["activations"]),
        **_initialisation_answers(measured["initialisation"]),
        **_order_answers(measured["order"]),
        **_xor_answers(measured["xor"]),
    }
    circle = load_data("circle-simulated")
    return [
        answer_claim(
            row,
            data=None if row["system"] == "XOR" else circle,
            seeds=[0],
            quick=work.quick,
            **answers[row["system"], row["quantity"]]._asdict(),
        )
        for row in read_claims("principles")
    ]


def _activation_answers(measured: Measured) -> Answers:
    relu, sigmoid = measured["circle, ReLU"], measured["circle, sigmoid"]
    relu_epochs, sigmoid_epochs = relu["flat from epoch"], sigmoid["flat from epoch"]
    difference = sigmoid["accuracy"] - relu["accuracy"]
    system = "ReLU against sigmoid"
    return {
        (system, "epochs until the loss is flat"): Answer(
            f"{relu_epochs} and {sigmoid_epochs}",
            relu_epochs < sigmoid_epochs,
            "points and steps differ from S4, so only the order of the two nets is compared",
        ),
        (system, "test error of ReLU minus that of sigmoid"): Answer(
            f"{difference:.3f}", abs(difference) <= _SAME_ERROR
        ),
    }


def _initialisation_answers(measured: Measured) -> Answers:
    relu = measured["circle, ReLU, zeros"]
    sigmoid = measured["gaussians, sigmoid, zeros"]
    different = sigmoid["different units"]
    note = (
        "units with equal initial weights stay equal, so the boundary is a line; on two Gaussians, "
        f"the loss is flat from epoch {sigmoid['flat from epoch']}"
    )
    system = "zero initialisation"
    return {
        (system, "dead ReLU units"): Answer(
            f"{relu['dead']} of {relu['units']}", relu["dead"] == relu["units"]
        ),
        (system, "test accuracy of ReLU"): Answer(
            _percent(relu["accuracy"]), abs(relu["accuracy"] - 0.5) < 0.05
        ),
        (system, "different sigmoid units per layer"): Answer(
            f"{' and '.join(map(str, different))}, {_percent(sigmoid['accuracy'])} right",
            different == [1, 1],
            note,
        ),
    }


def _order_answers(measured: Measured) -> Answers:
    slow = measured["negatives first, learning rate 0.1"]
    fast = measured[f"negatives first, learning rate {HIGH_RATE:g}"]
    dead, dead_at_start = slow["dead after the negatives"], slow["dead at the start"]
    recall = slow["positives recognised after the negatives"]
    note = (
        "the net recovers when it is trained on all points afterwards, also with ten times the "
        f"learning rate ({_percent(fast['accuracy'])} right, {fast['dead']} of {fast['units']} "
        "units dead)"
    )
    system = "all negatives first"
    return {
        (system, "dead ReLU units after the negatives"): Answer(
            f"{dead} of {slow['units']}, {dead_at_start} before", dead > dead_at_start
        ),
        (system, "positives recognised after the negatives"): Answer(_percent(recall), recall == 0),
        (system, "test accuracy in the end"): Answer(
            _percent(slow["accuracy"]), slow["accuracy"] < 0.9, note
        ),
    }


def _xor_answers(measured: Measured) -> Answers:
    exact, by_hand = measured["exact"], measured["by hand"]
    shares = ", ".join(f"{100 * share:.0f} % with {units}" for units, share in exact.items())
    note = (
        f"2 hidden units with weights set by hand, {by_hand['parameters']} parameters, compute it "
        f"without error; share of {measured['seeds']} seeds that learn it exactly: {shares} hidden "
        "units"
    )
    holds = by_hand["largest error"] == 0 and exact["1"] == 0
    return {("XOR", "layers of the smallest ReLU net"): Answer("2", holds, note)}


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
