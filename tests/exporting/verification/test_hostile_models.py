"""Files of strangers: what is refused before it runs, and how a verification is stopped."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras, tf
from kerasnets.cli import main
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.runtimes.card import read_card
from kerasnets.exporting.verification.runtimes.load import reasons_not_to_load
from kerasnets.exporting.verification.runtimes.saved_model_check import _is_allowed
from tests.exporting.verification import hostile_models as hostile

import_tensorflow()
REFERENCE = Path(__file__).resolve().parents[3] / "exported" / "seizure-gru" / "1"


def reasons(name: str, folder: Path, modules: tuple[str, ...] = ()) -> list[str]:
    return reasons_not_to_load(name, folder, read_card(folder / "card.json"), modules)


def failures(folder: Path, **options: object) -> list[str]:
    with pytest.raises(kn.VerificationError) as raised:
        kn.verify(folder, **options)
    return raised.value.verification.failures


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel with one signature for each hostile function, and an honest one."""
    folder = tmp_path_factory.mktemp("saved") / "1"
    functions = {name.replace(" ", "_"): made for name, made in hostile.SAVED_MODELS.items()}
    target = folder.with_name("written.txt")
    hostile.write_saved_model(folder, target, honest=hostile.honest, **functions)
    hostile.write_card(folder, ["saved_model"])
    return folder


@pytest.mark.parametrize("name", hostile.SAVED_MODELS)
def test_operations_that_use_files_the_network_or_python_are_found(saved: Path, name: str) -> None:
    operation, _, loop = name.partition(" ")
    where = "function while_body" if loop else "function "
    found = [reason for reason in reasons("saved_model", saved) if where in reason]
    assert any(f"has the operation {operation}, which may use files" in text for text in found)


def test_the_file_is_not_written(tmp_path: Path) -> None:
    folder, target = tmp_path / "1", tmp_path / "written.txt"
    hostile.write_card(folder, ["saved_model"])
    hostile.write_saved_model(folder, target, serving_default=hostile.write_file)
    module = tf.saved_model.load(str(folder))
    module.signatures["serving_default"](x=tf.constant(hostile.ROWS))
    assert target.read_text() == "written"
    target.unlink()
    (failure,) = failures(folder)
    assert failure.startswith("saved_model: saved_model.pb was not loaded: node 'WriteFile' in")
    assert not target.exists()


def test_other_forms_of_a_saved_model_are_refused(saved: Path, tmp_path: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    folder = Path(shutil.copytree(saved, tmp_path / "1"))
    (folder / "saved_model.pbtxt").touch()
    assert reasons("saved_model", folder)[0].startswith("saved_model.pbtxt must not exist")
    content = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    content.meta_graphs[0].ClearField("object_graph_def")
    (folder / "saved_model.pb").write_bytes(content.SerializeToString())
    assert "must have one graph, with the objects" in reasons("saved_model", folder)[1]


def test_checkpoint_operations_are_only_allowed_in_functions_that_loading_does_not_call(
    tmp_path: Path,
) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    assert reasons("saved_model", REFERENCE) == []
    folder = Path(shutil.copytree(REFERENCE, tmp_path / "1"))
    path = folder / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    objects = content.meta_graphs[0].object_graph_def
    functions = content.meta_graphs[0].graph_def.library.function
    (saver,) = (f.signature.name for f in functions if "traced_save" in f.signature.name)
    objects.nodes[0].bare_concrete_function.concrete_function_name = saver
    path.write_bytes(content.SerializeToString())
    found = reasons("saved_model", folder)
    assert any("has the operation SaveV2" in reason for reason in found)


def test_operations_are_allowed_by_rule() -> None:
    """All operations of TensorFlow whose name says that they leave the process are refused."""
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    buffer = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    names = [operation.name for operation in op_def_pb2.OpList.FromString(buffer).op]
    allowed = {name for name in names if _is_allowed(name, {})}
    assert len(names) > 1500
    assert {"MatMul", "Conv2D", "Softmax", "Cast", "While", "VarHandleOp", "Einsum"} <= allowed
    leaves = (
        *("File", "PyFunc", "Dataset", "Save", "Restore", "Rpc", "Send", "Recv", "Print", "Reader"),
        *(
            "Summary",
            "Debug",
            "Dump",
            "Session",
            "Checkpoint",
            "Collective",
            "Worker",
            "CustomCall",
        ),
        *("Infeed", "Outfeed", "Host", "Vocab", "Proto", "Abort", "Sleep", "Remote", "Mlir"),
    )
    found = {name for name in allowed if any(word in name for word in leaves)}
    # A constant in the memory of the processor, and a histogram.
    assert found == {"HostConst", "BoostedTreesMakeStatsSummary"}
    assert not _is_allowed("NoSuchOperation", {})
    assert _is_allowed("local_function", {"local_function": None})
    assert not _is_allowed("WriteFile", {"WriteFile": None})


@pytest.mark.parametrize("name", hostile.ONNX)
def test_operators_and_data_outside_of_onnx_are_found(tmp_path: Path, name: str) -> None:
    hostile.write_card(tmp_path, ["onnx"])
    hostile.save_onnx(hostile.ONNX[name](), tmp_path)
    reason, *_ = reasons("onnx", tmp_path)
    if name == "external data":
        assert reason == "tensor 'w' is in another file, which is not allowed"
    else:
        assert "has the operator com.microsoft.EPContext, not one of ONNX" in reason


@pytest.mark.parametrize("name", hostile.KERAS)
def test_python_code_and_other_modules_are_found(tmp_path: Path, name: str) -> None:
    hostile.write_card(tmp_path, ["onnx"], keras={"modules": []})
    hostile.write_keras(tmp_path / "model.keras", hostile.KERAS[name])
    (reason,) = reasons("keras", tmp_path)
    assert name in reason


def test_an_honest_keras_file_is_allowed_and_links_are_found(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    hostile.write_card(tmp_path, ["onnx"], keras={"modules": []})
    hostile.write_keras(path, lambda layer: None)
    assert reasons("keras", tmp_path) == []
    hostile.with_linked_weights(path)
    escaped, linked = reasons("keras", tmp_path)
    assert escaped.startswith("it has the member '../../escaped'; Keras only writes config.json,")
    assert linked == "its weights 'layers' are a link"


def test_modules_of_the_caller_are_allowed(tmp_path: Path) -> None:
    hostile.write_card(tmp_path, ["onnx"], keras={"needs": ["mine.layers.Own"]})
    path = tmp_path / "model.keras"
    hostile.write_keras(path, lambda layer: layer.update(hostile.named("mine.layers", "Own")))
    assert reasons("keras", tmp_path, ("mine",)) == []
    assert reasons("keras", tmp_path, ("mine.layers",)) == []
    assert reasons("keras", tmp_path, ("min",)) == [
        "it needs mine.layers.Own, from a module that is not in custom_modules"
    ]


def test_own_layers_are_verified_with_custom_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_layers.py").write_text(
        "import keras\n\n@keras.saving.register_keras_serializable('own')\n"
        "class Halve(keras.layers.Layer):\n    def call(self, x):\n        return x / 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import own_layers

    x = keras.Input((2,), name="x")
    folder = tmp_path / "1"
    hostile.write_card(folder, ["onnx"], keras={"needs": ["own_layers.Halve"]})
    keras.Model(x, own_layers.Halve(name="y")(2 * x)).save(folder / "model.keras")
    hostile.save_onnx(hostile.onnx_identity(), folder)
    checked = runtimes.check(folder, 1e-5)
    assert checked.failures == []
    alone = set(checked.max_abs_diff) - {"openvino"}  # if it is installed
    assert alone == {"onnx"}
    both = set(kn.verify(folder, custom_modules=["own_layers"]).max_abs_diff) - {"openvino"}
    assert both == {"onnx", "keras"}
    for modules, message in ((["no_such_module"], "cannot be imported"), ("own_layers", "a list")):
        with pytest.raises(ValueError, match=message):
            kn.verify(folder, custom_modules=modules)


def test_an_endless_loop_ends_at_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "1"
    hostile.write_card(folder, ["onnx"], onnx={"allow_loops": True})
    hostile.save_onnx(hostile.onnx_endless_loop(), folder)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    start = time.monotonic()
    (failure,) = failures(folder, timeout=3)
    # On a busy machine, the process may not have come to the loop yet.
    assert failure.endswith("it did not end within 3 s, the timeout of the verification")
    assert time.monotonic() - start < 60
    assert list(scratch.iterdir()) == []
    hostile.write_card(folder, ["onnx"])
    found = runtimes.check(folder, 1e-5).failures
    assert found
    # OpenVINO, if it is installed, does not load the file either.
    assert all("is a Loop, which the card does not allow" in failure for failure in found)


def test_too_much_memory_ends_the_verification(tmp_path: Path) -> None:
    hostile.write_card(tmp_path, ["onnx"])
    hostile.save_onnx(hostile.onnx_memory_bomb(), tmp_path)
    assert failures(tmp_path, max_memory=2**30) == [
        "onnx: batch-3: it used more than 1.00 GiB of memory, the max_memory of the verification"
    ]


def test_files_that_are_not_regular_are_refused_before_they_are_read(tmp_path: Path) -> None:
    hostile.write_card(tmp_path, ["onnx"])
    os.mkfifo(tmp_path / "model.onnx")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "inside").symlink_to("card.json")
    assert sorted(failures(tmp_path, timeout=20)) == [
        "inside: it is a link, not a file of the export",
        "model.onnx: it is neither a file nor a folder",
        "zero: it is a link, not a file of the export",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "card.json: it is not JSON (maximum recursion depth"),
        (b"\xff", "card.json: it is not JSON ('utf-8' codec"),
        (b"[]", "card.json: the card: Input should be"),
        (b'{"formats": ["onnx"]}', "card.json: inputs: Field required; outputs: Field required"),
        (b" " * (2**26 + 1), "card.json: it has 67,108,865 bytes; a card has at most"),
    ],
)
def test_a_damaged_card_is_a_clear_failure(tmp_path: Path, content: bytes, message: str) -> None:
    hostile.write_card(tmp_path, ["onnx"])
    (tmp_path / "card.json").write_bytes(content)
    (failure,) = runtimes.check(tmp_path, 1e-5).failures
    assert failure.startswith(message)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "reference.npz: there are no cases"),
        ({"same": "{}"}, "reference.npz: there are no cases"),
        ({"same": "[]", "x": 1}, "reference.npz: its arrays are not those of cases (AttributeEr"),
        ({"same": "{}", "x": 1}, "reference.npz: its arrays are not those of cases (ValueError: "),
        ({"same": '{"a/inputs/x": "b"}'}, "reference.npz: its arrays are not those of cases (Key"),
        ({"same": np.array({})}, "reference.npz: it is not an undamaged .npz file (ValueError: "),
    ],
)
def test_a_damaged_reference_is_a_clear_failure(tmp_path: Path, arrays: dict, message: str) -> None:
    hostile.write_card(tmp_path, ["onnx"])
    np.savez(tmp_path / "reference.npz", **arrays)
    (failure,) = runtimes.check(tmp_path, 1e-5).failures
    assert failure.startswith(message)


def test_a_crash_of_the_process_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crashing.py").write_text("import os\n\nos.abort()\n")
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "1"
    hostile.write_card(folder, ["onnx"], keras={"needs": ["crashing.Layer"]})
    hostile.save_onnx(hostile.onnx_identity(), folder)
    hostile.write_keras(folder / "model.keras", lambda layer: None)
    (failure,) = failures(folder, custom_modules=["crashing"])
    assert failure.startswith("keras: model.keras: the process was ended by SIGABRT")


def test_the_command_line_has_the_same_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "1"
    hostile.write_card(folder, ["onnx"])
    hostile.save_onnx(hostile.onnx_custom_operator(), folder)
    assert main(["verify", str(folder), "--timeout", "60", "--max-memory", "2"]) == 1
    assert "com.microsoft.EPContext, not one of ONNX" in capsys.readouterr().err
    for option, value in (("--timeout", "0"), ("--max-memory", "0"), ("--custom-modules", "no.x")):
        assert main(["verify", str(folder), option, value]) == 2
        assert option[2:].replace("-", "_") in capsys.readouterr().err


@pytest.mark.parametrize("limits", [{"timeout": 0}, {"timeout": float("nan")}, {"max_memory": 10}])
def test_limits_must_be_positive(tmp_path: Path, limits: dict) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(limits))} must be"):
        kn.verify(tmp_path, **limits)
