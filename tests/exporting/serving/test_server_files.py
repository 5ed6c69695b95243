"""The configuration of TensorFlow Serving, read with the official definitions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from kerasnets.exporting import write_server_files


def make_version(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()


def test_the_configuration_has_every_saved_model(tmp_path: Path) -> None:
    make_version(tmp_path / "gru" / "1")
    make_version(tmp_path / "cnn" / "3")
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
    # Padding is safe: verification has the cases `padded-with-…`.
    assert "pad_variable_length_inputs: true\n" in batching.read_text("utf-8")
    sizes = [int(n) for n in re.findall(r"allowed_batch_sizes: (\d+)", batching.read_text())]
    assert sizes == sorted(sizes)
    assert f"max_batch_size {{ value: {sizes[-1]} }}" in batching.read_text("utf-8")
    text = compose.read_text("utf-8")
    for part in ("tensorflow/serving:", "/models/models.config", "/models/batching.config"):
        assert part in text


def test_a_folder_without_models_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no model with a SavedModel"):
        write_server_files(tmp_path)
