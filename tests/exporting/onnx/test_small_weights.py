"""ONNX files with smaller weights: how weights are rounded, and what the report says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import kerasnets as kn
from kerasnets.exporting.onnx.small_weights import shrink, write_small_weights
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.signature import Served, serve
from kerasnets.exporting.verification.cases import verification_cases
from kerasnets.exporting.verification.reference import write_reference
from tests.exporting.helpers import dense_model, read_card
from tests.exporting.onnx.helpers import randomize


def served(name: str) -> Served:
    return serve(randomize(kn.build(name)))


def signals(count: int) -> dict[str, np.ndarray]:
    return {"signal": np.random.default_rng(0).normal(size=(count, 178)).astype("float32")}


def write_cases(net: Served, samples: dict[str, np.ndarray], folder: Path) -> None:
    """Write the reference that the files are compared with."""
    cases = verification_cases(net, samples)
    write_reference(net, cases, samples, folder / "reference.npz")


@pytest.mark.parametrize("name", ["seizure-mlp-stepped", "seizure-cnn", "seizure-bigru"])
def test_files_are_smaller_and_outputs_almost_equal(name: str, tmp_path: Path) -> None:
    net = served(name)
    write_onnx(net, tmp_path / "model.onnx")
    write_cases(net, signals(40), tmp_path)
    report = write_small_weights(net, tmp_path / "model.onnx", ("float16", "int8"))
    assert [entry["file"] for entry in report.values()] == [
        "model.onnx",
        "model.float16.onnx",
        "model.int8.onnx",
    ]
    sizes = {kind: entry["bytes"] for kind, entry in report.items()}
    assert sizes == {kind: (tmp_path / report[kind]["file"]).stat().st_size for kind in report}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]
    assert report["float32"]["same_class"] == 1
    assert report["float16"]["same_class"] >= 0.95
    assert report["int8"]["same_class"] >= 0.8
    differences = [entry["max_abs_diff"]["probabilities"] for entry in report.values()]
    assert 0 < differences[0] < 1e-5 < differences[1] < differences[2]


def restored_weights(net: Served, tmp_path: Path, kind: str) -> dict[tuple[int, ...], np.ndarray]:
    """The restored matrices by shape, as ONNX Runtime computes them."""
    write_onnx(net, tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    shrink(proto, kind)
    names = [n.output[0] for n in proto.graph.node if n.op_type in ("Cast", "DequantizeLinear")]
    for name in names:
        proto.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    arrays = session.run(names, signals(1))
    return {array.shape: array for array in arrays}


@pytest.mark.parametrize("kind", ["float16", "int8"])
def test_each_channel_is_rounded_with_its_own_scale(kind: str, tmp_path: Path) -> None:
    net = served("seizure-gru-2x32")
    kernel = net.model.get_layer("gru_1").cell.recurrent_kernel
    values = np.array(kernel)
    values[:, 5] = 0
    values[:, 6] *= 1000
    kernel.assign(values)
    restored = restored_weights(net, tmp_path, kind)
    recurrent = restored[1, 96, 32][0].T
    dense = restored[32, 16]
    for array, exact in (
        (recurrent, values),
        (dense, np.array(net.model.get_layer("dense_1").kernel)),
    ):
        if kind == "float16":
            np.testing.assert_array_equal(array, exact.astype("float16").astype("float32"))
        else:
            half_step = np.abs(exact).max(axis=0, keepdims=True) / 127 / 2
            assert (np.abs(array - exact) <= half_step * 1.0001).all()
            assert np.abs(array - exact).max() > 0


def test_export_writes_the_files_and_the_card_compares_them(tmp_path: Path) -> None:
    net = kn.build("seizure-mlp-stepped")
    folder = kn.export(
        net, tmp_path / "net", formats="onnx", weights=("int8", "float16"), verify=False
    )
    card = read_card(folder)
    assert list(card["weights"]) == ["float32", "float16", "int8"]
    props = {p.key: p.value for p in onnx.load(folder / "model.int8.onnx").metadata_props}
    assert (props["weights"], props["name"]) == ("int8", "seizure-mlp-stepped")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| model.int8.onnx | {card['weights']['int8']['bytes']:,} |" in readme


def test_binary_multilabel_and_regression_have_their_own_measures(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 64)).astype("float32")
    targets = {
        "binary": np.arange(40) % 2,
        "multilabel": np.arange(80).reshape(40, 2) % 2,
        "regression": rows[:, :2],
    }
    for task, y in targets.items():
        net = serve(randomize(dense_model(1 if task == "binary" else 2, 64)), task)
        write_onnx(net, tmp_path / "model.onnx")
        write_cases(net, {"x": rows}, tmp_path)
        report = write_small_weights(net, tmp_path / "model.onnx", ("int8",), kn.Split(rows, y))
        output = net.run({"x": rows})[net.outputs[0].name]
        entry = report["float32"]
        if task == "regression":
            assert entry["mae"] == pytest.approx(np.abs(output - y).mean(), rel=1e-5)
            assert "same_class" not in entry
        else:
            predicted = (output >= 0.5).reshape(y.shape)
            assert entry["accuracy"] == (predicted == y).mean()
            assert entry["same_class"] == 1
