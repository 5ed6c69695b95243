"""kerasnets.report.compare: which settings differ, and why numbers cannot be compared."""

from __future__ import annotations

from typing import Any

import pytest

from kerasnets.report.compare import comparison_content


def run(
    folder: str = "a", checksum: str = "x", options: Any = (), **changes: Any
) -> dict[str, Any]:
    settings = {"net": "n", "epochs": 3, "seed": 0, "data_options": dict(options)}
    recipe = [{"name": k, "value": v, "description": f"{k}."} for k, v in settings.items()]
    data = {"checksum": checksum, "split": "row", "split_seed": 0, "rows": {"test": 10}}
    base = {"folder": folder, "task": "binary", "simulated": False, "recipe": recipe, "data": data}
    return {**base, **changes}


def test_only_settings_that_differ_are_shown() -> None:
    one, other = run(), run("b")
    other["recipe"][1] = {"name": "epochs", "value": 9, "description": "epochs."}
    content = comparison_content([one, other])
    assert content["settings"] == [{"name": "epochs", "description": "epochs.", "values": [3, 9]}]
    assert [part["label"] for part in content["runs"]] == ["a", "b"]
    assert content["notes"] == []


def test_folders_of_the_same_name_are_numbered() -> None:
    labels = [part["label"] for part in comparison_content([run(), run(), run("b")])["runs"]]
    assert labels == ["a (1)", "a (2)", "b"]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"checksum": "y"}, "different rows"),
        ({"options": {"fold": 1}}, "different rows"),
        ({"task": "regression"}, "different tasks"),
        ({"simulated": True}, "simulated"),
    ],
)
def test_what_cannot_be_compared_is_said(changes: dict[str, Any], note: str) -> None:
    (found,) = comparison_content([run(), run("b", **changes)])["notes"]
    assert note in found
