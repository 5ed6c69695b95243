"""Files for servers: the warm-up is replayed, and every configuration is read back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

import kerasnets as kn
from kerasnets._lazy import tf
from kerasnets.exporting import write_server_files
from kerasnets.exporting.samples import random_samples
from kerasnets.exporting.saved_model.write_saved_model import write_saved_model
from kerasnets.exporting.serving.requests import WARMUP, write_requests
from kerasnets.exporting.serving.triton import write_triton_config
from kerasnets.exporting.signature import serve
from tests.exporting.helpers import TrainedNet


def replay(folder: Path) -> list[tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Model, inputs and outputs of every warm-up request, by the official definitions."""
    signatures = tf.saved_model.load(str(folder)).signatures
    answers = []
    for record in tf.data.TFRecordDataset(str(folder / WARMUP)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        run = signatures[request.model_spec.signature_name]
        outputs = run(**{name: tf.constant(value) for name, value in inputs.items()})
        answers.append((request.model_spec, inputs, outputs))
    return answers


def test_the_warm_up_runs_and_holds_no_data_of_the_run(exported: Path, trained: TrainedNet) -> None:
    answers = replay(exported)
    assert [len(inputs["signal"]) for _, inputs, _ in answers] == [1, 8]
    for model, inputs, outputs in answers:
        assert model.name == "seizure-mlp"
        assert outputs["probabilities"].shape == (len(inputs["signal"]), 5)
        theirs = {row.tobytes() for row in trained.example_inputs}
        assert not theirs & {row.tobytes() for row in inputs["signal"]}


def test_the_warm_up_of_sequences_has_lengths_that_fit(tmp_path: Path) -> None:
    served = serve(kn.build("mortality-gru", features=300, units=(3,), dense_units=(2,)))
    write_saved_model(served, tmp_path)
    write_requests(served, random_samples(served), "mortality", tmp_path)
    for _, inputs, _ in replay(tmp_path):
        assert inputs["visits"].shape[2] == 300
        assert (inputs["length"] >= 1).all()
        assert (inputs["length"] <= inputs["visits"].shape[1]).all()


def read_config(text: str) -> dict[str, tuple[str, list[int]]]:
    pattern = r'(input|output) \[ \{ name: "(.+?)" data_type: (\w+) dims: \[ (.*?) \]'
    found = re.findall(pattern, text)
    return {name: (kind, [int(n) for n in dims.split(",")]) for _, name, kind, dims in found}


def test_triton_config_names_every_tensor(exported: Path, tmp_path: Path) -> None:
    text = (exported.parent / "config.pbtxt").read_text(encoding="utf-8")
    assert 'name: "seizure-mlp"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 64\n' in text
    assert read_config(text) == {
        "signal": ("TYPE_FP32", [178]),
        "probabilities": ("TYPE_FP32", [5]),
        "logits": ("TYPE_FP32", [5]),
    }
    served = serve(kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,)))
    write_triton_config(served, tmp_path)
    text = (tmp_path / "config.pbtxt").read_text(encoding="utf-8")
    assert read_config(text)["visits"] == ("TYPE_FP32", [-1, 2])
    assert read_config(text)["length"] == ("TYPE_INT32", [1])
    assert 'name: "length" data_type: TYPE_INT32 dims: [ 1 ] reshape: { shape: [ ] }' in text


@pytest.mark.parametrize("formats", [("saved_model",), ("onnx",)])
def test_each_server_gets_files_only_for_its_format(formats: tuple, tmp_path: Path) -> None:
    net = kn.build("seizure-mlp", units=(2,), samples=4)
    folder = kn.export(net, tmp_path / "net", formats, verify=False)
    assert (folder / WARMUP).exists() == ("saved_model" in formats)
    assert (folder / "request.json").exists() == ("saved_model" in formats)
    assert (tmp_path / "net" / "config.pbtxt").exists() == ("onnx" in formats)


def a_version(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()


def test_the_models_of_a_folder_are_what_the_server_is_told(tmp_path: Path) -> None:
    a_version(tmp_path / "gru" / "1")
    a_version(tmp_path / "cnn" / "3")
    (tmp_path / "onnx-only" / "1").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").touch()
    models, batching, compose = write_server_files(tmp_path)
    config = text_format.Parse(
        models.read_text("utf-8"), model_server_config_pb2.ModelServerConfig()
    )
    found = {
        (entry.name, entry.base_path, entry.model_platform)
        for entry in config.model_config_list.config
    }
    assert found == {
        ("cnn", "/models/cnn", "tensorflow"),
        ("gru", "/models/gru", "tensorflow"),
    }
    # The server pads requests of other lengths with values of its own: see `padded-with-…`.
    assert "pad_variable_length_inputs: true\n" in batching.read_text("utf-8")
    sizes = [int(n) for n in re.findall(r"allowed_batch_sizes: (\d+)", batching.read_text())]
    assert sizes == sorted(sizes)
    assert f"max_batch_size {{ value: {sizes[-1]} }}" in batching.read_text("utf-8")
    text = compose.read_text("utf-8")
    for word in ("tensorflow/serving:", "/models/models.config", "/models/batching.config"):
        assert word in text


def test_a_folder_without_nets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no net with a SavedModel"):
        write_server_files(tmp_path)
