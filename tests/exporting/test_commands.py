"""``kerasnets export`` and ``kerasnets verify`` with a run and its test split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import kerasnets as kn
from kerasnets.cli import main
from tests.exporting.helpers import write_keys

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "mlp"
    data = kn.load_data("seizure-simulated")
    kn.train("seizure-mlp", data=data, epochs=1, out=folder, progress=False)
    return folder


def test_metrics_on_the_test_split_are_equal_in_every_runtime(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture, request: pytest.FixtureRequest
) -> None:
    out = tmp_path / "exported" / "mlp"
    arguments = ["export", str(run), "--out", str(out), "--test", "--weights", "float16"]
    assert main([*arguments, "--server-files", "--license", "CC-BY-4.0"]) == 0
    assert capsys.readouterr().out == f"{out / '1'}\n"
    card = json.loads((out / "1" / "card.json").read_text(encoding="utf-8"))
    assert card["license"] == "cc-by-4.0"
    readme = (out / "1" / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("---\nlicense: cc-by-4.0\n")
    accuracy = kn.load_run(run).metrics["test"]["accuracy"]
    metrics = card["verification"]["test_metrics"]
    assert {"onnx", "saved_model", "keras"} <= set(metrics)
    assert {entry["accuracy"] for entry in metrics.values()} == {accuracy}
    assert card["weights"]["float16"]["accuracy"] == pytest.approx(accuracy, abs=0.01)
    assert (tmp_path / "exported" / "models.config").is_file()
    request.getfixturevalue("verify_in_this_process")  # the export was verified in a process
    assert main(["verify", str(out), "--test", str(run)]) == 0
    assert f"onnx: on the test split accuracy {accuracy:.6f}" in capsys.readouterr().out


def test_the_test_option_needs_a_run(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    assert main(["export", "seizure-mlp", "--test", "--out", str(tmp_path / "net")]) == 2
    assert "--test needs a run folder; got seizure-mlp" in capsys.readouterr().err


def test_a_run_in_integers_as_a_c_array_with_a_signature(
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    verify_in_this_process: None,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = write_keys(tmp_path, "key", key)
    out = tmp_path / "exported" / "mlp"
    arguments = ["export", str(run), "--out", str(out), "--formats", "onnx,litert"]
    arguments += ["--weights", "int16x8", "--c-array", "--no-sequence-lens", "--sign", str(private)]
    assert main(arguments) == 0
    names = {"model.h", "model.int16x8.h", "model.int16x8.tflite", "example_litert.cc", "model.sig"}
    assert names <= {path.name for path in (out / "1").iterdir()}
    assert main(["verify", str(out), "--public-key", str(public)]) == 0
    assert "tflite_micro: largest difference from Keras" in capsys.readouterr().out
    (out / "1" / "model.h").write_text("", encoding="utf-8")
    assert main(["verify", str(out), "--public-key", str(public)]) != 0
    assert "model.sig: it is not a signature of these files" in capsys.readouterr().err


def test_integer_activations_need_a_run(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    arguments = ["export", "seizure-mlp", "--out", str(tmp_path / "net"), "--formats", "litert"]
    assert main([*arguments, "--weights", "int16x8"]) == 2
    assert "--weights int16x8 needs a run folder" in capsys.readouterr().err
