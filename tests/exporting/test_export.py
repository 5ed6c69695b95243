"""What export writes, what it refuses, and that it leaves nothing half done."""

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
from tests.exporting.conftest import CLASSES, TrainedNet


def small_net(**arguments: object) -> keras.Model:
    return kn.build("seizure-mlp", units=(3,), samples=6, **arguments)


def card_of(folder: Path) -> dict:
    return json.loads((folder / "card.json").read_text(encoding="utf-8"))


def test_the_folder_holds_every_file_and_no_other(exported: Path) -> None:
    names = {entry.name for entry in exported.iterdir()}
    theirs = {"saved_model.pb", "variables", "assets", "assets.extra", "fingerprint.pb"}
    ours = {"model.onnx", "model.keras", "card.json", "README.md", "reference.npz"}
    assert names == theirs | ours | {"verification.json", "request.json", "request.pbtxt"}
    assert {entry.name for entry in exported.parent.iterdir()} == {"1", "config.pbtxt"}


def test_onnx_runtime_gives_keras_softmax_under_the_serving_names(
    exported: Path, trained: TrainedNet
) -> None:
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


def test_card_and_metadata_tell_what_the_run_knows(exported: Path, trained: TrainedNet) -> None:
    card = card_of(exported)
    assert (card["name"], card["version"]) == ("seizure-mlp", 1)
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


def test_the_readme_shows_code_that_runs(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = (exported / "README.md").read_text(encoding="utf-8").split("```python")[1:]
    assert len(blocks) == 2
    monkeypatch.chdir(exported)
    for block in blocks:
        values = {"signal": np.zeros((3, 178), "float32"), "folder": str(exported)}
        exec(block.split("```")[0], values)  # noqa: S102  # our own words, as a reader copies them
        logits = values["outputs"]["logits"] if "outputs" in values else values["logits"]
        assert logits.shape == (3, 5)


def test_nothing_of_the_runs_examples_leaves_with_it(exported: Path, trained: TrainedNet) -> None:
    theirs = {row.tobytes() for row in trained.example_inputs}
    cases = runtimes.read_reference(exported / "reference.npz")
    assert len(cases["batch-64"][0]["signal"]) == 64
    for inputs, _ in cases.values():
        assert not theirs & {row.tobytes() for row in inputs["signal"]}
        # But they are of the same scale, where the net has something to tell.
        assert inputs["signal"].std() == pytest.approx(trained.example_inputs.std(), rel=0.1)
    body = json.loads((exported / "request.json").read_text("utf-8"))
    assert np.array(body["inputs"]["signal"], "float32")[0].tobytes() not in theirs


def test_samples_given_by_hand_are_what_is_verified_on(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(70, 6)).astype("float32")
    folder = kn.export(small_net(), tmp_path / "net", "onnx", samples=rows, verify=False)
    cases = runtimes.read_reference(folder / "reference.npz")
    for size in (1, 2, 7, 64):
        inputs, outputs = cases[f"batch-{size}"]
        np.testing.assert_array_equal(inputs["signal"], rows[:size])
        assert outputs["probabilities"].shape == (size, 5)


def test_versions_count_up_and_none_is_overwritten(tmp_path: Path) -> None:
    net = small_net()
    first = kn.export(net, tmp_path / "net", formats=["onnx"], verify=False)
    before = (first / "model.onnx").read_bytes()
    kn.export(net, tmp_path / "net", formats=["onnx"], version=10, verify=False)
    assert kn.export(net, tmp_path / "net", formats="onnx", verify=False).name == "11"
    with pytest.raises(FileExistsError, match=r"never overwritten.*12"):
        kn.export(net, tmp_path / "net", formats=["onnx"], version=1)
    assert (first / "model.onnx").read_bytes() == before
    assert not (first / "saved_model.pb").exists()
    assert "verification" not in card_of(first)
    assert "It was not" in (first / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formats": ("onnxx",)}, "Unknown export format 'onnxx'. Did you mean 'onnx'?"),
        ({"formats": ()}, "formats is empty"),
        ({"version": 0}, "whole number from 1; got 0"),
        ({"version": True}, "got True"),
        ({"version": "2"}, "got '2'"),
        ({"opset": 12}, r"opset must be in \[13, 18\]; got 12"),
        ({"tolerance": 0}, "tolerance must be a positive number; got 0"),
        ({"tolerance": float("nan")}, "got nan"),
        ({"class_names": ["a", "b"]}, r"2 names \(a, b\); the model gives 5 columns"),
        ({"metadata": {"x": np.float32(1)}}, "metadata must hold only what JSON can say"),
        ({"metadata": {"x": float("inf")}}, "metadata must hold only what JSON can say"),
        ({"samples": np.zeros((3, 7))}, r"shape \(3, 7\); the model takes \(None, 6\)"),
        ({"samples": np.zeros((0, 6))}, "same examples for every input"),
        ({"samples": {"sginal": np.zeros((3, 6))}}, r"\['sginal'\]; the model takes \['signal'\]"),
        ({"samples": np.full((3, 6), "x")}, "has type <U1; the model takes float32"),
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_left(
    tmp_path: Path, arguments: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kn.export(small_net(), tmp_path / "deep" / "net", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a run that has one as \.model; got str"):
        kn.export("seizure-mlp", tmp_path)  # type: ignore[arg-type]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        kn.export(small_net(), tmp_path / "net")


def test_an_operation_onnx_has_not_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    signal = keras.Input((4,), name="signal")

    class Digamma(keras.layers.Layer):
        def call(self, x):
            return tf.math.digamma(x)

    digamma = Digamma(name="odd_one")
    with pytest.raises(ValueError, match=r"no operator of opset 17 for Digamma \(.*odd_one"):
        kn.export(keras.Model(signal, digamma(signal)), tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_answers_differently_as_a_graph_is_not_put_in_place(tmp_path: Path) -> None:
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


def test_a_model_that_gives_nan_fails_verification(tmp_path: Path) -> None:
    net = small_net()
    net.get_layer("logits").bias.assign([np.nan, 0, 0, 0, 0])
    folder = kn.export(net, tmp_path / "net", verify=False)
    failures = runtimes.check(folder, 1e-5).failures
    assert "reference.npz: outputs 'logits' of batch-1 holds NaN or infinity" in failures
    assert "saved_model: output 'logits' of batch-1 holds NaN or infinity" in failures


def test_threads_can_export_the_same_model_at_once(tmp_path: Path) -> None:
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
        assert card_of(folder)["onnx"]["nodes"]["GRU"] == 1


def test_export_says_nothing(tmp_path: Path) -> None:
    code = f"""
import kerasnets as kn
kn.export(kn.build("seizure-mlp"), {str(tmp_path / "net")!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
