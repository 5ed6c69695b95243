"""The files of a step model: complete, native, described, verified."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.onnx.graph import all_nodes
from kerasnets.exporting.verification.runtimes import CHECKSUMS
from tests.exporting.helpers import read_card, small_net

FILES = {"step.onnx", "step.tflite", "step_saved_model", "initial_state.npz", "step_reference.npz"}


def test_the_files_are_complete_and_have_checksums(streamed):
    assert {path.name for path in streamed.iterdir()} >= FILES
    listed = (streamed / CHECKSUMS).read_text("utf-8")
    assert all(f"  {name}" in listed for name in FILES)


def test_recurrent_layers_stay_native_nodes(streamed):
    graph = onnx.load(streamed / "step.onnx").graph
    nodes = [node.op_type for node in all_nodes(graph)]
    assert nodes.count("GRU") == 2
    assert not {"Loop", "Scan"} & set(nodes)


def test_the_largest_differences_of_all_runtimes_are_on_the_card(streamed):
    card = read_card(streamed)
    found = card["verification"]["max_abs_diff"]
    for name in ("onnx", "saved_model", "litert"):
        assert found[f"{name}-stream"] < 1e-5
    assert card["streaming"]["timing"]["probabilities"] == {"stride": 2, "first": 5}
    assert card["streaming"]["files"] == {
        "saved_model": "step_saved_model", "onnx": "step.onnx", "litert": "step.tflite"
    }  # fmt: skip


def test_the_readme_says_how_to_run_a_stream(streamed):
    text = (streamed / "README.md").read_text("utf-8")
    assert "stream = kn.Stream(folder)" in text
    assert "| `conv_samples` | state | float32 | (rows, 4, 2) |" in text
    assert "`probabilities` and `logits`: one output for every 2 steps, the first after 5" in text
    # 8 samples, 1 pending, 4 + 3 states of GRU layers, a mean of 4, its count, a maximum of 4
    assert "holds 25 numbers" in text


def test_the_reference_ends_with_the_outputs_of_the_whole_model(streamed):
    with np.load(streamed / "step_reference.npz") as stored:
        chunk, probabilities = stored["inputs/chunk"], stored["outputs/probabilities"]
    assert chunk.shape == (2, 36, 2)  # three samples of 12 steps
    assert probabilities.shape == (2, (36 - 5) // 2 + 1, 3)
    session = kn.Stream(streamed, rows=2)
    np.testing.assert_allclose(session(chunk)["probabilities"], probabilities, atol=1e-6)


def test_verify_finds_wrong_weights_in_a_step_model(copy):
    (copy / CHECKSUMS).unlink()
    proto = onnx.load(copy / "step.onnx")
    weights = max(proto.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    array = onnx.numpy_helper.to_array(weights) * np.float32(1.01)
    weights.CopyFrom(onnx.numpy_helper.from_array(array, weights.name))
    onnx.save(proto, copy / "step.onnx")
    (copy / "step.tflite").write_bytes(b"TFL3" * 9)
    with pytest.raises(kn.VerificationError) as caught:
        kn.verify(copy)
    text = str(caught.value)
    assert "onnx-stream: output 'probabilities' in one chunk differs from Keras" in text
    assert "litert-stream: step.tflite" in text


def test_a_net_that_is_not_causal_leaves_no_files(tmp_path):
    with pytest.raises(ValueError, match=r"the layer 'dense_1' \(Dense\) combines all steps"):
        kn.export(small_net(), tmp_path / "net", streaming=True)
    assert not list(tmp_path.iterdir())


def test_a_net_whose_rows_depend_on_each_other_leaves_no_files(tmp_path):
    x = keras.Input((None, 2), name="x")
    h = keras.layers.GRU(3)(x)
    net = keras.Model(x, h - keras.ops.mean(h, axis=0, keepdims=True), name="batch")
    with pytest.raises(ValueError, match="'batch' cannot run on a live stream: its outputs for a"):
        kn.export(net, tmp_path / "net", ("onnx",), streaming=True)
    assert not list(tmp_path.iterdir())
