"""The warm-up requests and the example requests for TensorFlow Serving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorflow_serving.apis import prediction_log_pb2

import kerasnets as kn
from kerasnets._lazy import tf
from kerasnets.exporting.samples import random_samples
from kerasnets.exporting.saved_model.write_saved_model import write_saved_model
from kerasnets.exporting.serving.requests import WARMUP, write_requests
from kerasnets.exporting.signature import serve
from tests.exporting.helpers import TrainedNet


def replay(folder: Path) -> list[tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Model spec, inputs and outputs of every warm-up request."""
    signatures = tf.saved_model.load(str(folder)).signatures
    responses = []
    for record in tf.data.TFRecordDataset(str(folder / WARMUP)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        run = signatures[request.model_spec.signature_name]
        outputs = run(**{name: tf.constant(value) for name, value in inputs.items()})
        responses.append((request.model_spec, inputs, outputs))
    return responses


def test_warm_up_requests_run_and_have_no_examples_of_the_run(
    exported: Path, trained: TrainedNet
) -> None:
    responses = replay(exported)
    assert [len(inputs["signal"]) for _, inputs, _ in responses] == [1, 8]
    for model, inputs, outputs in responses:
        assert model.name == "seizure-mlp"
        assert outputs["probabilities"].shape == (len(inputs["signal"]), 5)
        theirs = {row.tobytes() for row in trained.example_inputs}
        assert not theirs & {row.tobytes() for row in inputs["signal"]}


def test_lengths_in_warm_up_requests_are_valid(tmp_path: Path) -> None:
    served = serve(kn.build("mortality-gru", features=300, units=(3,), dense_units=(2,)))
    write_saved_model(served, tmp_path)
    write_requests(served, random_samples(served), "mortality", tmp_path)
    for _, inputs, _ in replay(tmp_path):
        assert inputs["visits"].shape[2] == 300
        assert (inputs["length"] >= 1).all()
        assert (inputs["length"] <= inputs["visits"].shape[1]).all()


@pytest.mark.parametrize("formats", [("saved_model",), ("onnx",)])
def test_each_format_has_the_files_of_its_servers(formats: tuple, tmp_path: Path) -> None:
    net = kn.build("seizure-mlp", units=(2,), samples=4)
    folder = kn.export(net, tmp_path / "net", formats, verify=False)
    assert (folder / WARMUP).exists() == ("saved_model" in formats)
    assert (folder / "request.json").exists() == ("saved_model" in formats)
    assert (tmp_path / "net" / "config.pbtxt").exists() == ("onnx" in formats)
