"""What TensorFlow Serving is started with, for a folder of exported nets."""

from __future__ import annotations

import json
import os
from pathlib import Path

from kerasnets._files import atomic_write
from kerasnets.exporting.serving.requests import MAX_BATCH
from kerasnets.exporting.verification.verify import list_versions

MODELS = "models.config"
BATCHING = "batching.config"
COMPOSE = "compose.yaml"
# Where the folder is mounted inside the server's container.
_MOUNT = "/models"
# The release whose protocol and loader the tests use.
_IMAGE = "tensorflow/serving:2.21.0"

# A server that puts requests of different lengths together pads each with the first value of its
# own tensor. That is safe here: `length` masks the padding, whatever it holds. One row more or
# less changes no other row, so batches may be filled up to the allowed sizes too.
_BATCHING = f"""\
max_batch_size {{ value: {MAX_BATCH} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 100 }}
num_batch_threads {{ value: 2 }}
allowed_batch_sizes: 1
allowed_batch_sizes: 8
allowed_batch_sizes: {MAX_BATCH}
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
    """Write ``models.config``, ``batching.config`` and ``compose.yaml`` beside exported nets.

    Every sub-folder with a version that holds a SavedModel is served, under its own name, in its
    highest version.

    Args:
        folder: the folder of nets, such as ``exported``.
        mount: where the server finds the folder: ``/models`` in the container of
            ``compose.yaml``, the folder's own path for a server on this machine.

    Returns:
        The files.

    Raises:
        FileNotFoundError: no net with a SavedModel is in the folder.
    """
    folder = Path(folder)
    names = [path.parent.name for path in sorted(folder.glob("*/")) for path in _servable(path)]
    if not names:
        raise FileNotFoundError(
            f"{folder} holds no net with a SavedModel. Give the parent of the nets, such as "
            "exported, after kerasnets export has written some into it."
        )
    contents = {MODELS: _models(names, mount), BATCHING: _BATCHING, COMPOSE: _COMPOSE}
    for name, content in contents.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return [folder / name for name in contents]


def _servable(net: Path) -> list[Path]:
    """The highest version of a net in a list, where it holds a SavedModel; else nothing."""
    versions = [net / str(number) for number in list_versions(net)[-1:]]
    return [version for version in versions if (version / "saved_model.pb").is_file()]


def _models(names: list[str], mount: str) -> str:
    entries = [
        "  config {\n"
        f"    name: {json.dumps(name)}\n"
        f"    base_path: {json.dumps(f'{mount}/{name}')}\n"
        '    model_platform: "tensorflow"\n'
        "  }\n"
        for name in names
    ]
    return "model_config_list {\n" + "".join(entries) + "}\n"
