"""A model as the ``.keras`` file beside its exported formats: what they must agree with."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras
from kerasnets._patching import patched
from kerasnets.exporting.onnx._quiet import quiet
from kerasnets.exporting.tracing import all_layers

FILE = "model.keras"


def check_no_lambda(model: keras.Model) -> None:
    """Refuse a model whose Python code would have to leave with it.

    Raises:
        ValueError: it has a ``Lambda`` layer, which Keras refuses to load anywhere else.
    """
    names = [layer.name for layer in all_layers(model) if isinstance(layer, keras.layers.Lambda)]
    if names:
        raise ValueError(
            f"{model.name!r} has Lambda layers, whose Python code cannot leave with it: "
            f"{', '.join(map(repr, names))}. Call keras.ops functions on the tensors instead, or "
            "write a keras.layers.Layer."
        )


def write_keras_file(model: keras.Model, folder: Path) -> dict[str, Any]:
    """Write ``model.keras``, without the state of an optimizer.

    Args:
        model: the model.
        folder: the version folder.

    Returns:
        For the card: ``file``, and either ``modules``, those of this package that must be
        imported before the file can be loaded, or ``needs``, classes and functions of the user's
        without which it cannot be. Where Keras cannot save the model, ``left_out`` says why.
    """
    path = folder / FILE
    optimizer = [(model, "optimizer", None)] if "optimizer" in vars(model) else []
    compiled = [(model, "compiled", False)] if "compiled" in vars(model) else []
    try:
        with quiet("absl"), patched(*optimizer, *compiled):
            model.save(path)
    except (NotImplementedError, TypeError, ValueError) as error:
        path.unlink(missing_ok=True)
        return {"left_out": f"Keras cannot write it ({error})"}
    used = sorted(set(_objects(_config(path))))
    foreign = [
        f"{module}.{name}"
        for module, name in used
        if module.partition(".")[0] not in ("keras", "kerasnets")
    ]
    if foreign:
        return {"file": FILE, "needs": foreign}
    ours = {module for module, _ in used if module.startswith("kerasnets.")}
    return {"file": FILE, "modules": sorted(ours)}


def _config(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


def _objects(config: Any) -> Iterator[tuple[str, str]]:
    """Module and name of every class and function that Keras finds by its registered name."""
    if isinstance(config, list):
        for value in config:
            yield from _objects(value)
    elif isinstance(config, dict):
        if config.get("registered_name") and "class_name" in config:
            yield str(config.get("module")), str(config["class_name"])
        for value in config.values():
            yield from _objects(value)
