"""The card and the metadata of the ONNX file: names, units, task."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kerasnets.exporting.card import About, card_task, check_metadata, make_card, metadata_props
from kerasnets.exporting.signature import serve
from tests.exporting.helpers import dense_model


def about(**known: object) -> About:
    return About("net", 1, "net", **known)


def test_a_regression_card_has_targets_and_units() -> None:
    known = about(target_names=("systolic", "diastolic"), target_units="mmHg")
    served = serve(dense_model(2), "regression")
    known.check(served)
    card = make_card(served, known, ["onnx"])
    assert card["task"] == card_task(card) == "regression"
    assert card["target_names"] == ["systolic", "diastolic"]
    assert card["target_units"] == "mmHg"
    props = metadata_props(card)
    assert props["task"] == "regression"
    assert json.loads(props["target_names"]) == ["systolic", "diastolic"]
    assert props["target_units"] == "mmHg"


def test_a_model_without_a_task_says_so() -> None:
    card = make_card(serve(dense_model(2)), about(), ["onnx"])
    assert card["task"] is None
    assert "target_names" not in card
    assert "task" not in metadata_props(card)


def test_the_task_of_an_older_card_follows_from_its_outputs() -> None:
    def old_card(name: str, columns: int) -> dict:
        return {"outputs": [{"name": name, "shape": [None, columns]}]}

    assert card_task(old_card("probabilities", 5)) == "classification"
    assert card_task(old_card("probabilities", 1)) == "binary"
    assert card_task(old_card("scores", 5)) is None


@pytest.mark.parametrize(
    ("task", "units", "known"),
    [
        (None, 3, {"class_names": ("a", "b", "c")}),
        (None, 1, {"class_names": ("no", "yes")}),
        ("classification", 3, {"class_names": ("a", "b", "c")}),
        ("binary", 1, {"class_names": ("no", "yes")}),
        ("multilabel", 1, {"class_names": ("cough",)}),
        ("multilabel", 3, {"class_names": ("cough", "fever", "pain")}),
        ("regression", 1, {"target_names": ("dose",)}),
    ],
)
def test_the_number_of_names_fits_the_task(task: str | None, units: int, known: dict) -> None:
    served = serve(dense_model(units), task)
    about(**known).check(served)
    about().check(served)
    (argument,) = known
    names = (*known[argument], "too many")
    with pytest.raises(ValueError, match=rf"{argument} has {len(names)} names .*too many"):
        about(**{argument: names}).check(served)


def test_names_of_another_task_are_rejected() -> None:
    with pytest.raises(ValueError, match="class_names belong to a classifier"):
        about(class_names=("a",)).check(serve(dense_model(1), "regression"))
    for known in ({"target_names": ("a",)}, {"target_units": "mg"}):
        with pytest.raises(ValueError, match=r"to a regression model; the task .* is binary"):
            about(**known).check(serve(dense_model(1), "binary"))


@pytest.mark.parametrize("metadata", [{"x": np.float32(1)}, {"x": float("inf")}, 7, {"x": {1}}])
def test_metadata_must_be_json(metadata: object) -> None:
    with pytest.raises(ValueError, match="metadata must be a mapping that can be written as JSON"):
        check_metadata(metadata)
    check_metadata({"source": ["a", 1, None]})
    check_metadata(None)
