"""C arrays: compiled, run with LiteRT's C library and with TensorFlow Lite Micro, and verified."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import kerasnets as kn
from kerasnets.exporting.litert import micro
from kerasnets.exporting.litert.c_examples import c_literal, micro_example
from kerasnets.exporting.litert.flatbuffer import FileTensor
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.runtimes import write_checksums
from kerasnets.exporting.verification.runtimes.c_array_check import read_c_array
from kerasnets.exporting.verification.runtimes.micro_check import load_micro
from tests.exporting.helpers import Labelled, read_card
from tests.exporting.onnx.helpers import randomize

INCLUDE = Path(__file__).with_name("include")
# Everything that could end a string, a comment or a line of C.
CLASSES = ['a "quoted" name', "*/ ??/", "back\\slash\\", "größer\n1"]
HEADERS = {"model.h": "model.tflite", "model.full-int8.h": "model.full-int8.tflite"}
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


def signals(rows, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, 24)).astype("float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A convolutional net in float32 and in integers, with C arrays of both."""
    signal = keras.Input((24,), name="my-signal")
    hidden = keras.layers.Reshape((24, 1))(signal)
    hidden = keras.layers.Conv1D(8, 5, activation="relu")(hidden)
    hidden = keras.layers.Flatten()(keras.layers.MaxPooling1D(2)(hidden))
    model = randomize(keras.Model(signal, keras.layers.Dense(4, name="logits")(hidden)))
    x = signals(80)
    return kn.export(
        model,
        tmp_path_factory.mktemp("exported") / "net",
        formats="litert",
        weights="full-int8",
        c_array=True,
        class_names=CLASSES,
        input_units="µV",
        license="apache-2.0",
        test=Labelled(x, model.predict(x, verbose=0).argmax(axis=1)),
        calibration=signals(100, seed=1),
        keras_file=False,
        verify=False,
    )


def compile_example(folder: Path, header: str, to: Path) -> Path:
    """The program of the example, linked with the C library of LiteRT."""
    found = importlib.util.find_spec("pymicro_wakeword")
    library = Path(found.submodule_search_locations[0], "lib", "libtensorflowlite_c.so")
    shutil.copy(folder / header, to / header)
    source = (folder / "example_litert.cc").read_text(encoding="utf-8")
    (to / "example.cc").write_text(source.replace('"model.h"', f'"{header}"'), encoding="utf-8")
    options = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-I", INCLUDE, "example.cc", library)
    subprocess.run(
        ["g++", *options, f"-Wl,-rpath,{library.parent}", "-o", "example"], cwd=to, check=True
    )
    return to / "example"


def run_example(program: Path, row: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs that a program prints, by name."""
    text = " ".join(repr(float(value)) for value in row)
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: np.array(values, "float32") for name, *values in lines}


def run_in_python(path: Path, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of the interpreter with the kernels of the C library."""
    interpreter = Interpreter(
        model_path=str(path),
        # Those of XNNPACK, the default in Python, round some integers to a neighbour.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    runner = interpreter.get_signature_runner("serving_default")
    parts = [
        {name: value.copy() for name, value in runner(**{"my-signal": row[np.newaxis]}).items()}
        for row in rows
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@needs_compiler
@pytest.mark.parametrize("header", HEADERS)
def test_the_compiled_example_computes_what_python_computes(header, folder, tmp_path):
    program = compile_example(folder, header, tmp_path)
    rows = signals(5, seed=2)
    expected = run_in_python(folder / HEADERS[header], rows)
    tolerance = 1e-6 if header == "model.h" else 0  # integers are equal
    for index, row in enumerate(rows):
        found = run_example(program, row)
        assert set(found) == {"probabilities", "logits"}
        for name, value in found.items():
            scale = max(1, np.abs(expected[name]).max())  # a float32 has seven digits
            assert np.abs(value - expected[name][index]).max() <= scale * tolerance
    invalid = np.where(np.arange(24) == 3, np.nan, rows[0])
    if header == "model.h":
        assert np.isnan(run_example(program, invalid)["logits"]).all()


@needs_compiler
def test_the_header_is_c_and_has_the_names_of_the_classes(folder, tmp_path):
    source = """
    #include <stdio.h>
    #include "model.h"
    int main(void) {
      for (int i = 0; i < MODEL_OUTPUT_PROBABILITIES_SIZE; ++i)
        printf("%s%c", model_class_names[i], 0);
      printf("%u %u", model_size, (unsigned)sizeof model_data);
      return MODEL_INPUT_MY_SIGNAL_SIZE;
    }
    """
    (tmp_path / "main.c").write_text(source)
    subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", folder, "main.c", "-o", "main"],
        cwd=tmp_path,
        check=True,
    )
    done = subprocess.run([tmp_path / "main"], capture_output=True, check=False)
    *names, sizes = done.stdout.decode().split("\0")
    size = (folder / "model.tflite").stat().st_size
    assert (names, sizes, done.returncode) == (CLASSES, f"{size} {size}", 24)


def test_headers_hold_the_bytes_of_the_files(folder):
    card = read_card(folder)
    assert [entry["file"] for entry in card["c_arrays"]["headers"]] == list(HEADERS)
    assert card["litert"]["batch"] == 1
    for header, file in HEADERS.items():
        text = (folder / header).read_text(encoding="utf-8")
        assert read_c_array(text) == (folder / file).read_bytes()
        assert "// Input 0: my-signal, float32 (1, 24), in µV." in text
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "## C arrays" in text
    assert "model.full-int8.h" in text


def test_tensorflow_lite_micro_runs_both_arrays(folder):
    card = read_card(folder)
    report = runtimes.check(folder, 1e-5)
    assert report.failures == []
    assert set(report.max_abs_diff) == {"litert", "tflite_micro"}
    rows = signals(5, seed=2)
    for entry in card["c_arrays"]["headers"]:
        _, _, run = load_micro(folder / entry["file"], card)
        for name, value in run_in_python(folder / entry["of"], rows).items():
            scale = max(1, np.abs(value).max())
            assert np.abs(run({"my-signal": rows})[name] - value).max() <= scale * 1e-6
        assert 1024 <= entry["arena_bytes"] <= 16 * 1024
        assert f"MODEL_ARENA_BYTES {entry['arena_bytes']}" in (folder / entry["file"]).read_text()
    example = (folder / "example_micro.cc").read_text()
    methods = re.findall(r"resolver.Add(\w+)\(\);", example)
    assert {"Conv2D", "FullyConnected", "MaxPool2D", "LessEqual", "Quantize"} <= set(methods)
    assert f"MicroMutableOpResolver<{len(methods)}>" in example


def _change_array(text):
    return text.replace("0x54,0x46", "0x54,0x47", 1)  # TF in the identifier of the file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change_array, "its array differs from model.tflite"),
        (lambda text: text.replace("model_size = ", "model_size = 1"), "its model_size is 1"),
        (lambda text: text.replace("quoted", "other"), "its class names are"),
        (lambda text: text.replace("model_data[]", "data[]"), "it has no array model_data"),
        (None, "it is missing"),
    ],
)
def test_a_changed_header_is_found_without_its_checksum(change, message, folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "1"))
    if change is None:
        (copy / "model.h").unlink()
    else:
        text = (copy / "model.h").read_text(encoding="utf-8")
        (copy / "model.h").write_text(change(text), encoding="utf-8")
    write_checksums(copy)
    failures = runtimes.check(copy, 1e-5).failures
    assert any(failure.startswith(f"model.h: {message}") for failure in failures), failures


def test_what_has_no_fixed_size_or_no_litert_file_is_refused(tmp_path):
    sequences = keras.Input((None, 2), name="visits")
    model = keras.Model(sequences, keras.layers.GRU(2)(sequences))
    with pytest.raises(ValueError, match=r"fixed sizes, and 'visits' has the shape \(None, None"):
        kn.export(model, tmp_path / "net", formats="litert", c_array=True)
    with pytest.raises(ValueError, match="Add 'litert' to formats"):
        kn.export(model, tmp_path / "net", c_array=True)
    assert not (tmp_path / "net").exists()


def test_a_file_that_micro_cannot_run_has_the_reason(folder, monkeypatch):
    content, inputs = (folder / "model.tflite").read_bytes(), {"my-signal": signals(2)}
    (failed,) = micro.measure_arena(b"\0" * 64, inputs, 1e-5).items()
    assert failed[0] == "reason"
    (differs,) = micro.measure_arena(content, inputs, -1.0).values()  # as if nothing were equal
    assert "differs from LiteRT by" in differs
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert micro.measure_arena(content, inputs, 1e-5) == {}


def test_names_of_methods_and_tensors():
    tensors = [FileTensor(name, "int32", (1, 2)) for name in ("a-b", "a_b")]
    operators = ["BATCH_MATMUL", "CUMSUM", "L2_NORMALIZATION", "SELECT_V2", "MAX_POOL_2D"]
    example = micro_example(tensors, tensors[:1], "model.h", operators)
    methods = re.findall(r"resolver.Add(\w+)\(\);", example)
    assert methods == ["BatchMatMul", "CumSum", "L2Normalization", "SelectV2", "MaxPool2D"]
    assert "typed_input_tensor<int32_t>(MODEL_INPUT_A_B_1)" in example
    assert c_literal("é\n") == r'"\303\251\012"'
