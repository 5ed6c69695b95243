"""The header of README.md, read by the library of the Hugging Face Hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import EvalResult, ModelCard, constants
from huggingface_hub.utils import validate_repo_id

import kerasnets as kn
from kerasnets.exporting.card import About, make_card
from kerasnets.exporting.card_header import header, pipeline_tag
from kerasnets.exporting.card_readme import readme
from kerasnets.exporting.signature import serve
from kerasnets.exporting.verification.runtimes.files import checksum_failures
from tests.exporting.helpers import TrainedNet, dense_model, read_card
from tests.exporting.serving.servers import ROOT

# https://github.com/huggingface/huggingface.js/blob/main/packages/tasks/src/pipelines.ts
PIPELINE_TAGS = {"image-classification", "tabular-classification", "tabular-regression", None}
PROVENANCE = {"net": "net", "data": "heart attacks.csv", "split": "patient"}


def card(task: str | None, units: int, figures: dict | None = None, **known: object) -> dict:
    """The card of one dense layer, with figures on a test split."""
    content = make_card(serve(dense_model(units), task), About("net", 1, "net", **known), ["onnx"])
    content["cases"] = ["batch-1"]
    if figures is not None:
        difference = {"onnx": 1e-7, "keras": 0.0}
        measured = {"onnx": dict.fromkeys(figures, 0.0), "keras": figures}
        content["verification"] = {
            "tolerance": 1e-5, "max_abs_diff": difference, "test_metrics": measured
        }  # fmt: skip
    return content


def loaded(content: dict) -> ModelCard:
    """The card as the library reads it; it must be the same after it is written again."""
    model_card = ModelCard(readme(content))
    assert ModelCard(str(model_card)).data.to_dict() == model_card.data.to_dict()
    assert model_card.text.startswith(f"\n# {content['name']}, version 1\n")
    return model_card


@pytest.mark.parametrize(
    ("task", "units", "figures", "pipeline", "expected"),
    [
        (
            "classification",
            3,
            {"accuracy": 2 / 3, "auroc": 0.75},
            "tabular-classification",
            [("accuracy", 0.666667, "accuracy"), ("roc_auc", 0.75, "AUROC")],
        ),
        (
            "classification",
            2,
            {"accuracy": 0.9, "auroc": 0.75},
            "tabular-classification",
            [("roc_auc", 0.75, "AUROC"), ("accuracy", 0.9, "accuracy")],
        ),
        (
            "binary",
            1,
            {"accuracy": 0.5, "auroc": None},  # one class only: AUROC is undefined
            "tabular-classification",
            [("accuracy", 0.5, "accuracy")],
        ),
        (
            "multilabel",
            2,
            {"accuracy": 0.5, "auroc": 1.0},
            "tabular-classification",
            [("roc_auc", 1.0, "AUROC"), ("accuracy", 0.5, "accuracy over all labels")],
        ),
        (
            "regression",
            1,
            {"mae": 1234567.8, "r2": -0.5},
            "tabular-regression",
            [("mae", 1234570.0, "mean absolute error"), ("r_squared", -0.5, "R²")],
        ),
    ],
)
def test_the_hub_reads_the_figures_of_every_task(
    task: str, units: int, figures: dict, pipeline: str, expected: list
) -> None:
    data = loaded(card(task, units, figures, provenance=PROVENANCE)).data
    names = {"binary": "binary classification", "multilabel": "multi label classification"}
    assert data.model_name == "net"
    assert data.pipeline_tag == pipeline
    assert data.eval_results == [
        EvalResult(
            task_type=pipeline,
            task_name=names.get(task, task),
            dataset_type="heart-attacks.csv",
            dataset_name="heart attacks.csv, split by patient",
            dataset_split="test",
            metric_type=metric,
            metric_value=value,
            metric_name=name,
        )
        for metric, value, name in expected
    ]
    assert data.metrics == [metric for metric, _, _ in expected]
    assert data.library_name == "kerasnets"
    assert data.tags == ["keras", "onnx", names.get(task, task).replace(" ", "-")]
    assert data.datasets == ["heart-attacks.csv"]
    validate_repo_id(data.datasets[0])


def test_a_model_without_a_task_or_figures_has_only_what_is_known() -> None:
    assert loaded(card(None, 2)).data.to_dict() == {
        "license": "unknown",
        "library_name": "kerasnets",
        "tags": ["keras", "onnx"],
    }
    # The figures of a run whose outputs are exported as they are do not belong to a task.
    figures = {"data": "mine", "test_accuracy": "0.5"}
    assert "model-index" not in loaded(card(None, 2, provenance=figures)).data.to_dict()


def test_the_figures_of_the_training_are_used_without_a_test_split() -> None:
    known = {"data": "mnist", "split": "official", "test_accuracy": "0.9901", "test_mae": "soon"}
    data = loaded(card("classification", 3, provenance=known)).data
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.9901)
    assert result.dataset_type == "ylecun/mnist"
    assert result.dataset_name == "mnist, official split"
    assert data.datasets == ["ylecun/mnist"]
    nothing = {"test_accuracy": "nan"}
    assert loaded(card("classification", 3, provenance=nothing)).data.eval_results is None


def test_test_examples_of_an_unnamed_data_set() -> None:
    data = loaded(card("regression", 1, {"mae": 0.5, "r2": None})).data
    assert data.datasets is None
    assert data.eval_results[0].dataset_type == "own-data"
    assert data.eval_results[0].dataset_name == "own data"


@pytest.mark.parametrize(
    "name", ["yes", "1.5", "a: b", "# x", "---", "ä\u2028b", "\x7f", "'\"", "…"]
)
def test_any_name_survives_in_the_header(name: str) -> None:
    content = card("binary", 1, {"accuracy": 1.0}, provenance={"data": name}) | {"name": name}
    read = ModelCard(header(content) + "\n").data
    assert read.model_name == name
    assert read.eval_results[0].dataset_name == name
    validate_repo_id(read.datasets[0])


@pytest.mark.parametrize(
    ("inputs", "task", "expected"),
    [
        ({"image": [28, 28, 1]}, "classification", "image-classification"),
        ({"x": [None, None, 3]}, "multilabel", "image-classification"),
        ({"x": [32, 32, 3]}, "regression", None),
        ({"x": [32, 32, 8]}, "classification", None),
        ({"age": [1], "weight": []}, "binary", "tabular-classification"),
        ({"x": [7]}, "regression", "tabular-regression"),
        ({"x": [7]}, None, None),
        ({"signal": [178]}, "classification", None),
        ({"x": [None]}, "classification", None),
        ({"visits": [None, 1000], "length": []}, "binary", None),
    ],
)
def test_the_pipeline_tag_follows_from_the_inputs(
    inputs: dict, task: str | None, expected: str | None
) -> None:
    tensors = [{"name": name, "shape": [None, *shape]} for name, shape in inputs.items()]
    found = pipeline_tag({"task": task, "inputs": tensors})
    assert found == expected
    assert found in PIPELINE_TAGS


def test_an_exported_folder_is_a_repository_with_a_model_card(tmp_path: Path) -> None:
    text = tmp_path / "terms.txt"
    text.write_text("For the members of our hospital only.\n", "utf-8")
    folder = kn.export(
        TrainedNet(), tmp_path / "net", ("onnx",), license=text, keras_file=False, verify=False
    )
    data = ModelCard.load(folder / constants.REPOCARD_NAME).data
    assert data.license == "other"
    assert data.license_name == "seizure-mlp-license"
    assert (folder / data.license_link).read_text("utf-8") == text.read_text("utf-8")
    assert str(tmp_path) not in (folder / "README.md").read_text("utf-8")
    assert read_card(folder)["license"] == "other"
    # The card has a checksum too, so an edit is found.
    card = ModelCard.load(folder / "README.md")
    card.data.license = "mit"
    card.save(folder / "README.md")
    failures = list(checksum_failures(folder))
    assert [failure.partition(":")[0] for failure in failures] == ["README.md"]
    (folder / "LICENSE").write_text("Free for all.", "utf-8")
    failures = list(checksum_failures(folder))
    assert [failure.partition(":")[0] for failure in failures] == ["LICENSE", "README.md"]


@pytest.mark.parametrize("path", sorted(ROOT.glob("exported/*/1")), ids=lambda path: path.parts[-2])
def test_the_reference_nets_have_the_licence_and_figures_of_this_project(path: Path) -> None:
    data = ModelCard.load(path / "README.md").data
    content = json.loads((path / "card.json").read_text("utf-8"))
    assert data.license == "apache-2.0"
    measured = content["verification"]["test_metrics"]["keras"]
    assert {result.metric_type: result.metric_value for result in data.eval_results} == {
        "accuracy": pytest.approx(measured["accuracy"], abs=5e-7),
        "roc_auc": pytest.approx(measured["auroc"], abs=5e-7),
    }
