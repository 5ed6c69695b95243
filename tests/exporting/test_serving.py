"""Files for servers: the warm-up is replayed, and Triton's config is read back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import kerasnets as kn
from kerasnets._lazy import tf
from kerasnets.exporting.saved_model import write_saved_model
from kerasnets.exporting.serving import WARMUP, write_triton_config, write_warmup
from kerasnets.exporting.signature import serve
from tests.exporting.conftest import TrainedNet

FIELD = descriptor_pb2.FieldDescriptorProto


def prediction_log() -> Any:
    """The message ``tensorflow.serving.PredictionLog``, as far as a request goes."""
    file = descriptor_pb2.FileDescriptorProto(name="log.proto", package="t", syntax="proto3")
    messages = {
        "PredictionLog": [("predict_log", 6, ".t.PredictLog")],
        "PredictLog": [("request", 1, ".t.PredictRequest")],
        "PredictRequest": [("model_spec", 1, ".t.ModelSpec"), ("inputs", 2, ".t.Input")],
        "ModelSpec": [("name", 1, str), ("signature_name", 3, str)],
        "Input": [("key", 1, str), ("value", 2, bytes)],
    }
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            label = FIELD.LABEL_REPEATED if field == "inputs" else FIELD.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = FIELD.TYPE_MESSAGE, kind
            else:
                added.type = FIELD.TYPE_STRING if kind is str else FIELD.TYPE_BYTES
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.PredictionLog"))


def replay(folder: Path) -> list[tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Model, inputs and outputs of every warm-up request."""
    signatures = tf.saved_model.load(str(folder)).signatures
    answers = []
    for record in tf.data.TFRecordDataset(str(folder / WARMUP)).as_numpy_iterator():
        request = prediction_log().FromString(record).predict_log.request
        inputs = {}
        for entry in request.inputs:
            tensor = tf.make_tensor_proto(0)
            tensor.ParseFromString(entry.value)
            inputs[entry.key] = tf.make_ndarray(tensor)
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
        assert not np.isin(inputs["signal"], trained.example_inputs).any()


def test_the_warm_up_of_sequences_has_lengths_that_fit(tmp_path: Path) -> None:
    served = serve(kn.build("mortality-gru", features=300, units=(3,), dense_units=(2,)))
    write_saved_model(served, tmp_path)
    write_warmup(served, "mortality", tmp_path)
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
    assert (tmp_path / "net" / "config.pbtxt").exists() == ("onnx" in formats)
