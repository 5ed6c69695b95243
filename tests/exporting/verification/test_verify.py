"""Files that are truncated, missing or changed, and the failures that verification reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import kerasnets as kn
from kerasnets.exporting.verification import runtimes


def truncate(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return damage


def delete(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def edit_onnx(change: Callable[[onnx.ModelProto], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        proto = onnx.load(folder / "model.onnx")
        change(proto)
        onnx.save(proto, folder / "model.onnx")

    return damage


def rename_output(proto: onnx.ModelProto) -> None:
    for node in proto.graph.node:
        node.output[:] = ["scores" if name == "logits" else name for name in node.output]
        node.input[:] = ["scores" if name == "logits" else name for name in node.input]
    for output in proto.graph.output:
        output.name = "scores" if output.name == "logits" else output.name


def pin_batch(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2


def shift_a_weight(proto: onnx.ModelProto) -> None:
    bias = next(w for w in proto.graph.initializer if list(w.dims) == [5])
    values = onnx.numpy_helper.to_array(bias) + np.float32(2e-5)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))


def nan_weight(proto: onnx.ModelProto) -> None:
    bias = next(w for w in proto.graph.initializer if list(w.dims) == [5])
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(5, np.nan, "float32"), bias.name))


def add_loop(proto: onnx.ModelProto) -> None:
    """Add a loop that copies the logits three times."""
    make = onnx.helper
    for node in proto.graph.node:
        node.output[:] = ["before" if name == "logits" else name for name in node.output]
        node.input[:] = ["before" if name == "logits" else name for name in node.input]
    body = make.make_graph(
        [
            make.make_node("Identity", ["go"], ["go_on"]),
            make.make_node("Identity", ["carried"], ["kept"]),
        ],
        "body",
        [
            make.make_tensor_value_info("step", onnx.TensorProto.INT64, []),
            make.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            make.make_tensor_value_info("carried", onnx.TensorProto.FLOAT, [None, 5]),
        ],
        [
            make.make_tensor_value_info("go_on", onnx.TensorProto.BOOL, []),
            make.make_tensor_value_info("kept", onnx.TensorProto.FLOAT, [None, 5]),
        ],
    )
    three = onnx.numpy_helper.from_array(np.array(3, "int64"), "three")
    proto.graph.initializer.append(three)
    loop = make.make_node("Loop", ["three", "", "before"], ["logits"], name="spin", body=body)
    proto.graph.node.append(loop)


def edit_reference(**changes: np.ndarray | None) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        with np.load(folder / "reference.npz") as stored:
            arrays = dict(stored)
        for key, value in changes.items():
            name = key.replace("__", "/").replace("_", "-")
            if value is None:
                del arrays[name]
            else:
                arrays[name] = arrays[name] + value
        np.savez(folder / "reference.npz", **arrays)

    return damage


def edit_card(**changes: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        (folder / "card.json").write_text(json.dumps(card | changes), encoding="utf-8")

    return damage


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (truncate("model.onnx"), "onnx: model.onnx cannot be loaded"),
        (truncate("saved_model.pb"), "saved_model: saved_model.pb cannot be"),
        (
            truncate("variables/variables.data-00000-of-00001"),
            "saved_model: saved_model.pb cannot be",
        ),
        (
            truncate("reference.npz"),
            "reference.npz: it is not an undamaged .npz file (BadZip",
        ),
        (truncate("card.json"), "card.json: it is not JSON ("),
        (delete("model.onnx"), "onnx: model.onnx is missing"),
        (delete("saved_model.pb"), "saved_model: saved_model.pb is missing"),
        (delete("variables/variables.index"), "saved_model: saved_model.pb cannot be"),
        (delete("reference.npz"), "reference.npz: it is missing"),
        (delete("card.json"), "card.json: it is missing"),
        (edit_onnx(rename_output), "onnx: outputs are named ['probabilities', 'scores']"),
        (edit_onnx(pin_batch), "onnx: input 'signal' has axes (2, 178), the card says (None, 178)"),
        (edit_onnx(shift_a_weight), "onnx: output 'logits' of batch-1 differs from Keras by 2"),
        (edit_onnx(nan_weight), "onnx: output 'logits' of batch-7 holds NaN or infinity"),
        (
            edit_reference(batch_2__outputs__logits=np.float32(2e-5)),
            "saved_model: output 'logits' of batch-2 differs from Keras by 2",
        ),
        (
            edit_reference(batch_2__outputs__logits=np.float64(0)),
            "onnx: output 'logits' of batch-2 has type float32, in Keras float64",
        ),
        (
            edit_reference(batch_2__outputs__logits=np.float32(np.nan)),
            "reference.npz: outputs 'logits' of batch-2 holds NaN or infinity",
        ),
        (
            edit_reference(batch_2__outputs__logits=None),
            "reference.npz: batch-2 has outputs ['probabilities'], the card has",
        ),
        (edit_card(inputs=[]), "saved_model: inputs are named ['signal'], the card says []"),
        (edit_card(outputs="?"), "card.json: outputs: Input should be a valid list"),
        (edit_card(formats=[]), "card.json: formats: List should have at least 1 item"),
        (
            edit_card(formats=["tflite"]),
            "card.json: formats.0: Input should be 'saved_model', 'onnx' ",
        ),
        (edit_card(cases=["batch-1"]), "reference.npz: its cases are ['batch-0', 'batch-1', "),
        (
            edit_onnx(add_loop),
            "onnx: model.onnx was not loaded: node 'spin' is a Loop, which the card does not allow",
        ),
        (edit_card(class_names=["1"]), "card.json: it was changed after the export; its checksum"),
        (delete("request.json"), "request.json: it is missing"),
        (delete("SHA256SUMS"), "SHA256SUMS: it is missing"),
    ],
)
def test_every_kind_of_damage_is_reported(
    copy: Path, damage: Callable[[Path], None], expected: str
) -> None:
    damage(copy)
    failures = runtimes.check(copy, 1e-5).failures
    assert any(failure.startswith(expected) for failure in failures), failures


def test_an_unchanged_copy_has_no_failures(copy: Path) -> None:
    report = runtimes.check(copy, 1e-5)
    assert report.failures == []
    assert set(report.max_abs_diff) >= {"saved_model", "onnx", "keras"}


def test_every_failure_of_the_highest_version_is_collected_from_a_new_process_and_raised(
    copy: Path,
) -> None:
    highest = Path(shutil.copytree(copy, copy.parent / "10"))
    edit_onnx(shift_a_weight)(highest)
    delete("saved_model.pb")(highest)
    with pytest.raises(kn.VerificationError, match=r"saved_model\.pb is missing") as raised:
        kn.verify(str(copy.parent))
    found = raised.value.verification
    assert not found.ok
    assert found.path == highest
    # Nothing in the folder was changed.
    written = json.loads((highest / "verification.json").read_text(encoding="utf-8"))
    assert written["ok"] is True
    # A bias that is shifted equally changes the logits of all four batch sizes and of the case with
    # invalid values, not the softmax.
    differing = [f for f in found.failures if "'logits'" in f and "differs" in f]
    assert len([f for f in differing if f.startswith("onnx:")]) == 5
    # The checksum, the missing file, the version, five logits, the SavedModel that is not there.
    assert len([f for f in found.failures if not f.startswith("openvino:")]) == 9
    assert found.max_abs_diff["onnx"] == pytest.approx(2e-5, rel=0.1)
    assert isinstance(raised.value, ValueError)


def test_a_folder_without_an_export_is_rejected(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FileNotFoundError, match="is not an exported version and contains none"):
            kn.verify(folder)


def test_a_negative_tolerance_is_rejected(copy: Path) -> None:
    with pytest.raises(ValueError, match="positive number; got -1"):
        kn.verify(copy, tolerance=-1)


def test_the_tolerance_is_absolute_up_to_1_and_relative_above() -> None:
    def failures(value: float, difference: float) -> list[str]:
        reference = np.array([value], "float64")
        return runtimes.compare("it", reference + difference, reference, 1e-5)[1]

    assert failures(0.5, 0.9e-5) == []
    assert failures(0.5, 1.1e-5) != []
    assert failures(1000.0, 0.9e-2) == []
    assert failures(1000.0, 1.1e-2) != []


def test_integers_must_be_equal() -> None:
    ones = np.ones(3, "int64")
    assert runtimes.compare("it", ones, ones, 1e-5) == (0.0, [])
    assert runtimes.compare("it", ones + 1, ones, 1e-5)[1] == ["it differs from Keras"]
    assert runtimes.compare("it", ones[:2], ones, 1e-5)[1] == ["it has shape (2,), in Keras (3,)"]
