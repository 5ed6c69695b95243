"""Smaller weights: what they are rounded to, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import kerasnets as kn
from kerasnets.exporting.onnx.weights import check_kinds, shrink, write_small_weights
from kerasnets.exporting.onnx.write import write_onnx
from kerasnets.exporting.signature import Served, serve
from tests.exporting.onnx.test_recurrence import randomize


def served(name: str) -> Served:
    return serve(randomize(kn.build(name)))


def signals(count: int) -> dict[str, np.ndarray]:
    return {"signal": np.random.default_rng(0).normal(size=(count, 178)).astype("float32")}


@pytest.mark.parametrize(
    "name", ["seizure-mlp-stepped", "seizure-cnn", "seizure-gru-2x32", "seizure-bigru"]
)
def test_files_shrink_and_answers_hardly_change(name: str, tmp_path: Path) -> None:
    net = served(name)
    write_onnx(net, tmp_path / "model.onnx")
    report = write_small_weights(net, tmp_path / "model.onnx", ("float16", "int8"), signals(40))
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


def weights_of(net: Served, tmp_path: Path, kind: str) -> dict[tuple[int, ...], np.ndarray]:
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
def test_each_channel_is_rounded_by_its_own_scale(kind: str, tmp_path: Path) -> None:
    net = served("seizure-gru-2x32")
    kernel = net.model.get_layer("gru_1").cell.recurrent_kernel
    values = np.array(kernel)
    values[:, 5] = 0
    values[:, 6] *= 1000
    kernel.assign(values)
    restored = weights_of(net, tmp_path, kind)
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


def test_export_writes_them_and_the_card_compares(tmp_path: Path) -> None:
    net = kn.build("seizure-mlp-stepped")
    folder = kn.export(net, tmp_path / "net", formats="onnx", weights=("int8", "float16"))
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert list(card["weights"]) == ["float32", "float16", "int8"]
    props = {p.key: p.value for p in onnx.load(folder / "model.int8.onnx").metadata_props}
    assert (props["weights"], props["name"]) == ("int8", "seizure-mlp-stepped")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| model.int8.onnx | {card['weights']['int8']['bytes']:,} |" in readme


def test_bad_kinds_are_refused(tmp_path: Path) -> None:
    assert check_kinds("int8") == ("int8",)
    with pytest.raises(ValueError, match=r"Unknown kind of weights 'int4'\. Did you mean 'int8'\?"):
        check_kinds(["int4"])
    with pytest.raises(ValueError, match="weights are those of the ONNX file"):
        kn.export(
            kn.build("seizure-mlp"), tmp_path / "net", formats="saved_model", weights=["int8"]
        )
