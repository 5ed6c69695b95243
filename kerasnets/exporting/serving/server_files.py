"""Configuration files of TensorFlow Serving for a folder of exported models."""

from __future__ import annotations

import json
import os
from pathlib import Path

from kerasnets._files import atomic_write
from kerasnets.exporting.samples import EXAMPLES
from kerasnets.exporting.versions import list_versions

MODELS = "models.config"
BATCHING = "batching.config"
COMPOSE = "compose.yaml"
# The path of the folder inside the container of the server.
_MOUNT = "/models"
# The release whose protocol and loader the tests use.
_IMAGE = "tensorflow/serving:2.21.0"

# If the server batches requests of different lengths, it pads each with the first value of its own
# tensor. That is safe: `length` masks the padding. The server may also add rows to reach an
# allowed batch size, because no row affects another.
_BATCHING = f"""\
max_batch_size {{ value: {EXAMPLES} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 100 }}
num_batch_threads {{ value: 2 }}
allowed_batch_sizes: 1
allowed_batch_sizes: 8
allowed_batch_sizes: {EXAMPLES}
pad_variable_length_inputs: true
"""

_COMPOSE = f"""\
# docker compose up: REST on port 8501, gRPC on 8500.
services:
  serving:
    image: {_IMAGE}
    ports: ["8500:8500", "8501:8501"]
    volumes: ["./:{_MOUNT}:ro"]
    command:
      - --model_config_file={_MOUNT}/{MODELS}
      - --enable_batching=true
      - --batching_parameters_file={_MOUNT}/{BATCHING}
"""


def write_server_files(folder: str | os.PathLike[str], mount: str = _MOUNT) -> list[Path]:
    """Write ``models.config``, ``batching.config`` and ``compose.yaml`` for exported models.

    The server loads the highest version of each model, if that version has a SavedModel. The name
    of the model is the name of its folder.

    Args:
        folder: the folder of the models, such as ``exported``.
        mount: the path of the folder on the server: ``/models`` in the container of
            ``compose.yaml``, or the real path for a server on this machine.

    Returns:
        The paths of the files.

    Raises:
        FileNotFoundError: the folder has no model with a SavedModel.
    """
    folder = Path(folder)
    names = [path.name for path in sorted(folder.glob("*/")) if _has_saved_model(path)]
    if not names:
        raise FileNotFoundError(
            f"{folder} has no model with a SavedModel. Pass the parent folder of exported models, "
            "such as exported, after kerasnets export has written to it."
        )
    contents = {MODELS: _models_config(names, mount), BATCHING: _BATCHING, COMPOSE: _COMPOSE}
    for name, content in contents.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return [folder / name for name in contents]


def _has_saved_model(model: Path) -> bool:
    """Whether the highest version of a model has a SavedModel."""
    versions = list_versions(model)
    return bool(versions) and (model / str(versions[-1]) / "saved_model.pb").is_file()


def _models_config(names: list[str], mount: str) -> str:
    entries = [
        "  config {\n"
        f"    name: {json.dumps(name)}\n"
        f"    base_path: {json.dumps(f'{mount}/{name}')}\n"
        '    model_platform: "tensorflow"\n'
        "  }\n"
        for name in names
    ]
    return "model_config_list {\n" + "".join(entries) + "}\n"
