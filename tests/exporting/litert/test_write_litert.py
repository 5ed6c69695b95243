"""LiteRT files: built-in operators, names, metadata, and the outputs of Keras."""

from __future__ import annotations

import importlib.util
import json

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import kerasnets as kn
from kerasnets.exporting.litert.flatbuffer import describe_operators
from kerasnets.exporting.litert.write_litert import convert, write_litert
from kerasnets.exporting.samples import random_samples
from kerasnets.exporting.signature import serve
from kerasnets.exporting.verification.runtimes.litert_check import (
    litert_failures,
    load_litert,
    read_metadata,
)
from tests.exporting.helpers import dense_model, read_card, small_net
from tests.exporting.onnx.helpers import randomize


@keras.saving.register_keras_serializable("tests")
class Sorted(keras.layers.Layer):
    """Uses an operation that LiteRT does not have."""

    def call(self, x):
        import tensorflow as tf

        return tf.linalg.det(tf.reshape(x, (-1, 2, 2)))[:, None]


def run_example(content, inputs):
    """The outputs of LiteRT by name, for one batch."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    return interpreter.get_signature_runner("serving_default")(**inputs)


@pytest.mark.parametrize(
    ("name", "batch", "loops"),
    [
        ("seizure-mlp", None, 0),
        ("seizure-cnn", None, 0),
        ("seizure-spectral-small", None, 0),
        ("seizure-gru", 1, 1),
        ("seizure-bigru", 1, 2),
        ("mortality-lstm", 1, 2),
    ],
)
def test_outputs_equal_those_of_keras(name, batch, loops, tmp_path):
    served = serve(randomize(kn.build(name)))
    entry = write_litert(served, tmp_path / "model.tflite", {})
    assert entry["batch"] == batch
    assert entry["operators"].get("WHILE", 0) == loops
    assert entry["bytes"] == (tmp_path / "model.tflite").stat().st_size
    inputs, outputs, run = load_litert(tmp_path / "model.tflite")
    assert set(inputs) == {info.name for info in served.inputs}
    assert set(outputs) == {info.name for info in served.outputs}
    samples = {name: array[:5] for name, array in random_samples(served).items()}
    expected = served.run(samples)
    for output, value in run(samples).items():
        largest = max(1, np.abs(expected[output]).max())  # a float32 has seven digits
        np.testing.assert_allclose(value, expected[output], atol=1e-5 * largest)
    empty = run({name: array[:0] for name, array in samples.items()})
    assert {output: value.shape for output, value in empty.items()} == {
        output: (0, *value.shape[1:]) for output, value in expected.items()
    }
    if "length" in samples:
        with pytest.raises(ValueError, match="the inputs have different numbers of rows"):
            run(samples | {"length": samples["length"][:1]})


def test_a_free_time_axis_takes_any_number_of_steps():
    inputs = keras.Input((None, 3), name="signal")
    hidden = keras.layers.Conv1D(4, 3, padding="causal")(inputs)
    hidden = keras.layers.LSTM(5, return_sequences=True)(hidden)
    served = serve(randomize(keras.Model(inputs, keras.layers.Dense(2)(hidden))))
    content = convert(served, 1)
    for steps in (1, 4, 9):
        signal = np.random.default_rng(steps).normal(size=(1, steps, 3)).astype("float32")
        interpreter = Interpreter(model_content=content)
        (detail,) = interpreter.get_input_details()
        interpreter.resize_tensor_input(detail["index"], signal.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(detail["index"], signal)
        interpreter.invoke()
        (output,) = interpreter.get_output_details()
        (expected,) = served.run({"signal": signal}).values()
        np.testing.assert_allclose(interpreter.get_tensor(output["index"]), expected, atol=1e-5)


def test_the_version_folder_has_a_verified_file_with_names_and_units(tmp_path, request):
    names = tuple("abcde")
    folder = kn.export(
        small_net(), tmp_path / "net", formats=("litert",), class_names=names, input_units="µV"
    )
    card = read_card(folder)
    assert card["formats"] == ["litert"]
    assert card["verification"]["max_abs_diff"]["litert"] <= 1e-5
    content = (folder / "model.tflite").read_bytes()
    assert json.loads(read_metadata(content)["class_names"]) == list(names)
    assert read_metadata(content)["input_units"] == "µV"
    assert card["litert"]["operators"] == describe_operators(content)
    assert "takes any number of examples per call" in (folder / "README.md").read_text()
    outputs = run_example(content, {"signal": np.ones((2, 6), "float32")})
    assert set(outputs) == {"probabilities", "logits"}
    np.testing.assert_allclose(outputs["probabilities"].sum(axis=1), 1, atol=1e-6)
    request.getfixturevalue("verify_in_this_process")  # the export was verified in a process
    assert kn.verify(folder).ok


def test_an_operation_that_litert_lacks_is_refused_and_leaves_nothing(tmp_path):
    x = keras.Input((4,), name="x")
    model = keras.Model(x, Sorted()(x))
    with pytest.raises(ValueError, match="no operator for this use of MatrixDeterminant"):
        kn.export(model, tmp_path / "net", formats=("litert",))
    assert not (tmp_path / "net").exists()


def test_an_operator_of_others_is_not_loaded(tmp_path):
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(convert(serve(dense_model(2)), 1), 0))
    model.operatorCodes[0].customCode = b"FlexWriteFile"
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    (tmp_path / "model.tflite").write_bytes(bytes(builder.Output()))
    (reason,) = litert_failures(tmp_path / "model.tflite")
    assert "FlexWriteFile" in reason


def test_without_the_runtime_the_error_names_the_extra(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "ai_edge_litert" else find(name)
    )
    with pytest.raises(ValueError, match=r"pip install 'kerasnets\[litert\]'"):
        kn.export(dense_model(2), tmp_path / "net", formats=("litert",))
    assert not (tmp_path / "net").exists()
