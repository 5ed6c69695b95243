"""What export writes, which arguments it rejects, and that it leaves no incomplete files."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import kerasnets as kn
from kerasnets._lazy import keras, tf
from kerasnets.exporting.verification import runtimes
from tests.exporting.helpers import CLASSES, TrainedNet, dense_model, read_card, small_net


def test_the_folder_has_exactly_the_documented_files(exported: Path) -> None:
    names = {entry.name for entry in exported.iterdir()}
    saved_model = {"saved_model.pb", "variables", "assets", "assets.extra", "fingerprint.pb"}
    others = {"model.onnx", "model.keras", "card.json", "README.md", "reference.npz"}
    others |= {"verification.json", "SHA256SUMS", "request.json", "request.pbtxt"}
    assert names == saved_model | others
    assert {entry.name for entry in exported.parent.iterdir()} == {"1", "config.pbtxt"}


def test_onnx_runtime_returns_the_softmax_of_keras(exported: Path, trained: TrainedNet) -> None:
    rows = trained.example_inputs[:5]
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    assert [i.name for i in session.get_inputs()] == ["signal"]
    assert session.get_inputs()[0].shape == ["batch", 178]
    got = dict(
        zip(
            [o.name for o in session.get_outputs()],
            session.run(None, {"signal": rows}),
            strict=True,
        )
    )
    logits = np.asarray(trained.model(rows), "float64")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(got["logits"], logits, atol=1e-6)
    np.testing.assert_allclose(
        got["probabilities"], powers / powers.sum(axis=1, keepdims=True), atol=1e-6
    )


def test_saved_model_runs_in_a_process_that_cannot_import_keras(
    exported: Path, trained: TrainedNet
) -> None:
    code = f"""
import json
import sys
sys.modules["keras"] = sys.modules["kerasnets"] = None
import tensorflow as tf
import numpy as np
serve = tf.saved_model.load({str(exported)!r}).signatures["serving_default"]
rows = np.load({str(exported / "reference.npz")!r})["batch-2/inputs/signal"]
out = serve(signal=tf.constant(rows))
print(json.dumps({{name: value.numpy().tolist() for name, value in out.items()}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    out = json.loads(done)
    assert set(out) == {"logits", "probabilities"}
    rows = runtimes.read_reference(exported / "reference.npz")["batch-2"][0]["signal"]
    np.testing.assert_allclose(out["logits"], np.asarray(trained.model(rows)), atol=1e-6)


def test_card_and_metadata_describe_the_run(exported: Path, trained: TrainedNet) -> None:
    card = read_card(exported)
    assert (card["name"], card["version"]) == ("seizure-mlp", 1)
    assert card["task"] == "classification"
    assert card["inputs"] == [{"name": "signal", "dtype": "float32", "shape": [None, 178]}]
    assert card["class_names"] == list(CLASSES)
    # 178 means, 178 variances and their count belong to the rescaling.
    assert card["parameters"] == 178 * 16 + 16 + 16 * 5 + 5 + 178 + 178 + 1
    assert card["provenance"] == trained.provenance
    props = {p.key: p.value for p in onnx.load(exported / "model.onnx").metadata_props}
    assert json.loads(props["class_names"]) == list(CLASSES)
    summary = "seizure-mlp, version 1. Takes raw values in µV as signal."
    assert onnx.load(exported / "model.onnx").graph.doc_string == summary
    assert props["input_units"] == "µV"
    assert props["provenance.seed"] == "3"
    assert props["version.keras"] == keras.__version__
    largest = card["verification"]["max_abs_diff"]
    assert set(largest) >= {"saved_model", "onnx", "keras"}
    assert float(props["max_abs_diff"]) == largest["onnx"] <= 1e-5
    readme = (exported / "README.md").read_text(encoding="utf-8")
    for word in ("# seizure-mlp, version 1", "µV", "4. open", "`probabilities`", "seed: 3"):
        assert word in readme


def test_the_code_in_the_readme_runs(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = (exported / "README.md").read_text(encoding="utf-8").split("```python")[1:]
    assert len(blocks) == 2
    monkeypatch.chdir(exported)
    for block in blocks:
        values = {"signal": np.zeros((3, 178), "float32"), "folder": str(exported)}
        exec(block.split("```")[0], values)  # noqa: S102  # code from our own README
        logits = values["outputs"]["logits"] if "outputs" in values else values["logits"]
        assert logits.shape == (3, 5)


def test_the_examples_of_the_run_are_not_exported(exported: Path, trained: TrainedNet) -> None:
    theirs = {row.tobytes() for row in trained.example_inputs}
    cases = runtimes.read_reference(exported / "reference.npz")
    assert len(cases["batch-64"][0]["signal"]) == 64
    for inputs, _ in cases.values():
        assert not theirs & {row.tobytes() for row in inputs["signal"]}
        if not inputs["signal"].size or not np.isfinite(inputs["signal"]).all():
            continue
        # But the samples have the same scale, so the outputs are not all equal.
        assert inputs["signal"].std() == pytest.approx(trained.example_inputs.std(), rel=0.1)
    body = json.loads((exported / "request.json").read_text("utf-8"))
    assert np.array(body["inputs"]["signal"], "float32")[0].tobytes() not in theirs


def test_samples_are_used_for_verification(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(70, 6)).astype("float32")
    folder = kn.export(small_net(), tmp_path / "net", "onnx", samples=rows, verify=False)
    cases = runtimes.read_reference(folder / "reference.npz")
    for size in (1, 2, 7, 64):
        inputs, outputs = cases[f"batch-{size}"]
        np.testing.assert_array_equal(inputs["signal"], rows[:size])
        assert outputs["probabilities"].shape == (size, 5)


def test_versions_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    net = small_net()
    first = kn.export(net, tmp_path / "net", formats=["onnx"], verify=False)
    before = (first / "model.onnx").read_bytes()
    kn.export(net, tmp_path / "net", formats=["onnx"], version=10, verify=False)
    assert kn.export(net, tmp_path / "net", formats="onnx", verify=False).name == "11"
    with pytest.raises(FileExistsError, match=r"never overwritten.*12"):
        kn.export(net, tmp_path / "net", formats=["onnx"], version=1)
    assert (first / "model.onnx").read_bytes() == before
    assert not (first / "saved_model.pb").exists()
    assert "verification" not in read_card(first)
    assert "not verified" in (first / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formats": ("onnxx",)}, "Unknown export format 'onnxx'. Did you mean 'onnx'?"),
        ({"version": 0}, "positive integer; got 0"),
        ({"opset": 12}, r"opset must be in \[13, 22\]; got 12"),
        ({"task": "regresion"}, "Unknown task 'regresion'. Did you mean 'regression'?"),
        ({"task": "regression", "classifier": True}, "contradicts task='regression'"),
        ({"task": "binary"}, "needs a model with one column of logits"),
        ({"class_names": ["a", "b"]}, r"2 names \(a, b\); the model has 5 output columns"),
        ({"target_units": "mg"}, "belong to a regression model"),
        (
            {"metadata": {"x": np.float32(1)}},
            "metadata must be a mapping that can be written as JSON",
        ),
        ({"samples": np.zeros((3, 7))}, r"shape \(3, 7\); the model takes \(None, 6\)"),
        ({"samples": np.zeros((0, 6))}, "same number of examples, at least 1"),
        ({"samples": {"sginal": np.zeros((3, 6))}}, r"\['sginal'\]; the model takes \['signal'\]"),
        ({"samples": np.full((3, 6), "x")}, "has type <U1; the model takes float32"),
    ],
)
def test_invalid_arguments_are_rejected_and_no_files_are_left(
    tmp_path: Path, arguments: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kn.export(small_net(), tmp_path / "deep" / "net", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_only_models_and_runs_are_accepted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a run that has one as \.model; got str"):
        kn.export("seizure-mlp", tmp_path)  # type: ignore[arg-type]


def test_a_file_instead_of_a_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "net").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        kn.export(small_net(), tmp_path / "net")


def test_an_operation_without_onnx_operator_is_named_and_no_files_are_left(tmp_path: Path) -> None:
    signal = keras.Input((4,), name="signal")

    class Digamma(keras.layers.Layer):
        def call(self, x):
            return tf.math.digamma(x)

    digamma = Digamma(name="odd_one")
    with pytest.raises(ValueError, match=r"opset 17 has no operator for Digamma \(.*odd_one"):
        kn.export(keras.Model(signal, digamma(signal)), tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("verify_in_this_process")
def test_a_model_that_differs_as_a_graph_is_not_exported(tmp_path: Path) -> None:
    class TwoFaced(keras.layers.Layer):
        def call(self, x):
            return x + 3e-5 if tf.executing_eagerly() else x

    signal = keras.Input((4,), name="signal")
    model = keras.Model(signal, TwoFaced(name="two_faced")(signal))
    with pytest.raises(kn.VerificationError, match="differs from Keras by 3") as raised:
        kn.export(model, tmp_path / "net")
    assert raised.value.verification.path == tmp_path / "net" / "1"
    assert set(raised.value.verification.max_abs_diff) >= {"saved_model", "onnx"}
    assert list(tmp_path.iterdir()) == []


def test_a_model_with_nan_outputs_fails_verification(tmp_path: Path) -> None:
    net = small_net()
    net.get_layer("logits").bias.assign([np.nan, 0, 0, 0, 0])
    folder = kn.export(net, tmp_path / "net", verify=False)
    failures = runtimes.check(folder, 1e-5).failures
    # The runtimes give NaN too, so the reference alone shows it.
    assert "reference.npz: outputs 'logits' of batch-1 holds NaN or infinity" in failures


def test_threads_can_export_the_same_model_in_parallel(tmp_path: Path) -> None:
    net = kn.build("seizure-gru", units=3, samples=6)
    logger = logging.getLogger("tf2onnx")
    before = (dict(vars(net.get_layer("gru_1"))), logger.level)
    with ThreadPoolExecutor(3) as pool:
        folders = list(
            pool.map(lambda name: kn.export(net, tmp_path / name, verify=False), ("a", "b", "c"))
        )
    assert (dict(vars(net.get_layer("gru_1"))), logger.level) == before
    for folder in folders:
        assert runtimes.check(folder, 1e-5).failures == []
        assert read_card(folder)["onnx"]["nodes"]["GRU"] == 1


class RegressionRun:
    """The attributes of a regression run that export uses."""

    def __init__(self) -> None:
        self.model = dense_model(2, name="logits")
        self.name = "pressure"
        self.task = "regression"
        self.class_names = ()
        self.target_names = ("systolic", "diastolic")
        self.target_units = "mmHg"
        self.units = ""


@pytest.mark.usefixtures("verify_in_this_process")
def test_the_task_and_the_targets_of_a_run_are_used(tmp_path: Path) -> None:
    run = RegressionRun()
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    targets = np.asarray(run.model(rows)) + 0.5
    folder = kn.export(run, tmp_path / "pressure", test=kn.Split(rows, targets))
    card = read_card(folder)
    assert card["task"] == "regression"
    assert [tensor["name"] for tensor in card["outputs"]] == ["prediction"]
    assert (card["target_names"], card["target_units"]) == (["systolic", "diastolic"], "mmHg")
    metrics = card["verification"]["test_metrics"]
    assert {"onnx", "saved_model", "keras"} <= set(metrics)
    for values in metrics.values():
        assert values["mae"] == pytest.approx(0.5, abs=1e-6)
        expected = 1 - 0.25 * np.mean(1 / targets.var(axis=0))
        assert values["r2"] == pytest.approx(expected, abs=1e-5)
    assert card["signatures"] == ["serving_default"]


def test_an_argument_replaces_the_task_of_a_run(tmp_path: Path) -> None:
    arguments = {"formats": "onnx", "verify": False}
    folder = kn.export(RegressionRun(), tmp_path / "net", task="multilabel", **arguments)
    card = read_card(folder)
    assert (card["task"], card["class_names"]) == ("multilabel", [])
    assert "target_names" not in card
    with pytest.raises(ValueError, match="classifier=True contradicts the task of the run"):
        kn.export(RegressionRun(), tmp_path / "net", classifier=True, **arguments)


def test_a_multilabel_model_is_the_same_in_every_runtime(tmp_path: Path) -> None:
    names = ("cough", "fever", "pain")
    folder = kn.export(
        dense_model(3), tmp_path / "net", task="multilabel", class_names=names, verify=False
    )
    report = runtimes.check(folder, 1e-5)
    assert report.failures == []
    assert {"onnx", "saved_model", "keras"} <= set(report.max_abs_diff)
    card = read_card(folder)
    assert [tensor["name"] for tensor in card["outputs"]] == ["probabilities", "logits"]
    assert card["signatures"] == ["serving_default", "classify"]
