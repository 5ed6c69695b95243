"""The card as Markdown, for each task."""

from __future__ import annotations

import pytest

from kerasnets.exporting.card import About, make_card
from kerasnets.exporting.card_readme import readme
from kerasnets.exporting.signature import serve
from tests.exporting.helpers import dense_model


def card(task: str | None, units: int, **known: object) -> dict:
    content = make_card(serve(dense_model(units), task), About("net", 1, "net", **known), ["onnx"])
    return content | {"cases": ["batch-1"]}


@pytest.mark.parametrize(
    ("task", "units", "known", "lines"),
    [
        (
            "classification",
            2,
            {"class_names": ("a", "b")},
            ["Classification: one class per row.", "Classes, in the order of the last axis:"],
        ),
        (
            "binary",
            1,
            {"class_names": ("no", "yes")},
            ["Binary classification: `probabilities` is the probability of the second class."],
        ),
        (
            "multilabel",
            2,
            {"class_names": ("cough", "fever")},
            ["Labels, in the order of the last axis:", "1. fever"],
        ),
        (
            "regression",
            1,
            {"target_names": ("dose",), "target_units": "mg", "input_units": "kg"},
            [
                "Targets, in the order of the last axis:",
                "0. dose",
                "Predictions are in mg.",
                "| `prediction` | float32 | (any, 1) |",
                "prediction, = session.run(['prediction'], {\"x\": x})",
                "Input unit: kg. Pass raw values: if they need rescaling, the graph does it.",
            ],
        ),
        (None, 2, {}, ["| `x` | float32 | (any, 4) |"]),
    ],
)
def test_each_task_is_described(task: str | None, units: int, known: dict, lines: list) -> None:
    found = readme(card(task, units, **known)).split("\n")
    for line in lines:
        assert line in found
    assert "This export was not verified (`verify=False`)." in found


def test_verification_and_metrics_are_tables() -> None:
    verified = card("regression", 1) | {
        "keras": {"left_out": "it was not requested"},
        "verification": {
            "tolerance": 1e-5,
            "max_abs_diff": {"onnx": 1.25e-7},
            "test_metrics": {"onnx": {"mae": 0.5, "r2": None}},
        },
        "weights": {
            "float16": {
                "file": "model.float16.onnx",
                "bytes": 12345,
                "max_abs_diff": {"prediction": 0.001},
                "mae": 0.5012,
            }
        },
    }
    found = readme(verified).split("\n")
    for line in (
        "| runtime | largest difference from Keras |",
        "|---|---:|",
        "| onnx | 1.2e-07 |",
        "There is no `model.keras`: it was not requested.",
        "| runtime | mean absolute error | R² |",
        "| onnx | 0.5000 | – |",
        "| file | bytes | largest difference | test mean absolute error |",
        "| model.float16.onnx | 12,345 | 0.001 | 0.5012 |",
    ):
        assert line in found
