"""Files that were cut, lost, swapped or changed, and what verification says of them."""

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
from kerasnets.exporting.versions import find_version, list_versions


def cut(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return damage


def lose(name: str) -> Callable[[Path], None]:
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
    """A loop that passes the logits through three times."""
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
        (cut("model.onnx"), "onnx: cannot be loaded"),
        (cut("saved_model.pb"), "saved_model: cannot be loaded"),
        (cut("variables/variables.data-00000-of-00001"), "saved_model: cannot be loaded"),
        (cut("reference.npz"), "reference.npz: "),
        (cut("card.json"), "card.json: JSONDecodeError"),
        (lose("model.onnx"), "onnx: model.onnx is missing"),
        (lose("saved_model.pb"), "saved_model: saved_model.pb is missing"),
        (lose("variables/variables.index"), "saved_model: cannot be loaded"),
        (lose("reference.npz"), "reference.npz: FileNotFoundError"),
        (lose("card.json"), "card.json: FileNotFoundError"),
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
            "onnx: output 'logits' of batch-2 has type float32, Keras gives float64",
        ),
        (
            edit_reference(batch_2__outputs__logits=np.float32(np.nan)),
            "reference.npz: outputs 'logits' of batch-2 holds NaN or infinity",
        ),
        (
            edit_reference(batch_2__outputs__logits=None),
            "reference.npz: batch-2 has outputs ['probabilities'], the card says",
        ),
        (edit_card(inputs=[]), "saved_model: inputs are named ['signal'], the card says []"),
        (edit_card(outputs="?"), "card.json: TypeError"),
        (edit_card(formats=[]), "card.json: ValueError: formats are []"),
        (edit_card(formats=["tflite"]), "card.json: ValueError: formats are ['tflite']"),
        (edit_onnx(add_loop), "onnx: node 'spin' is a Loop, which the card does not allow"),
    ],
)
def test_damage_is_named(copy: Path, damage: Callable[[Path], None], expected: str) -> None:
    damage(copy)
    failures = runtimes.check(copy, 1e-5).failures
    assert any(failure.startswith(expected) for failure in failures), failures


def test_an_untouched_copy_has_no_failures(copy: Path) -> None:
    report = runtimes.check(copy, 1e-5)
    assert report.failures == []
    assert set(report.max_abs_diff) >= {"saved_model", "onnx", "keras"}


def test_every_failure_is_collected_and_raised_from_a_fresh_process(copy: Path) -> None:
    edit_onnx(shift_a_weight)(copy)
    lose("saved_model.pb")(copy)
    with pytest.raises(kn.VerificationError, match=r"saved_model\.pb is missing") as raised:
        kn.verify(copy)
    found = raised.value.verification
    assert not found.ok
    written = json.loads((copy / "verification.json").read_text(encoding="utf-8"))
    assert written == {
        "ok": False,
        "tolerance": 1e-5,
        "max_abs_diff": found.max_abs_diff,
        "failures": found.failures,
    }
    # The shifted bias shows in the logits of all four batch sizes, never in the softmax.
    assert len([f for f in found.failures if "'logits'" in f and "differs" in f]) == 4
    assert len(found.failures) == 5
    assert found.max_abs_diff["onnx"] == pytest.approx(2e-5, rel=0.1)
    assert isinstance(raised.value, ValueError)


def test_the_parent_stands_for_its_highest_version(copy: Path) -> None:
    shutil.copytree(copy, copy.parent / "9")
    shutil.copytree(copy, copy.parent / "10")
    (copy.parent / "notes").mkdir()
    assert list_versions(copy.parent) == [1, 9, 10]
    assert find_version(copy.parent) == copy.parent / "10"
    found = kn.verify(str(copy.parent))
    assert found.ok
    assert found.path == copy.parent / "10"
    assert max(found.max_abs_diff.values()) <= 1e-5


def test_a_place_without_an_export_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FileNotFoundError, match="is no exported version and holds none"):
            kn.verify(place)


def test_a_tolerance_nothing_could_pass_is_refused(copy: Path) -> None:
    with pytest.raises(ValueError, match="positive number; got -1"):
        kn.verify(copy, tolerance=-1)


def test_the_tolerance_is_absolute_up_to_one_and_relative_above() -> None:
    def failures(value: float, difference: float) -> list[str]:
        reference = np.array([value], "float64")
        return runtimes.compare("it", reference + difference, reference, 1e-5)[1]

    assert failures(0.5, 0.9e-5) == []
    assert failures(0.5, 1.1e-5) != []
    assert failures(1000.0, 0.9e-2) == []
    assert failures(1000.0, 1.1e-2) != []


def test_whole_numbers_must_be_equal() -> None:
    ones = np.ones(3, "int64")
    assert runtimes.compare("it", ones, ones, 1e-5) == (0.0, [])
    assert runtimes.compare("it", ones + 1, ones, 1e-5)[1] == ["it differs from Keras"]
    assert runtimes.compare("it", ones[:2], ones, 1e-5)[1] == [
        "it has shape (2,), Keras gives (3,)"
    ]
