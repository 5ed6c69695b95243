"""The ``.keras`` file next to the exported formats."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras
from kerasnets._patching import patched
from kerasnets.exporting._logging import silenced
from kerasnets.exporting.tracing import all_layers
from kerasnets.nets.new_arguments import CONFIG, remove_new_arguments

FILE = "model.keras"


def check_no_lambda(model: keras.Model) -> None:
    """Check that a model has no ``Lambda`` layers: Keras cannot load them in another program.

    Raises:
        ValueError: the model has ``Lambda`` layers.
    """
    names = [layer.name for layer in all_layers(model) if isinstance(layer, keras.layers.Lambda)]
    if names:
        raise ValueError(
            f"{model.name!r} has Lambda layers, whose Python code cannot be exported: "
            f"{', '.join(map(repr, names))}. Call keras.ops functions on the tensors instead, or "
            "write a keras.layers.Layer."
        )


def write_keras_file(model: keras.Model, folder: Path) -> dict[str, Any]:
    """Write ``model.keras`` without the state of the optimizer.

    Older versions of Keras can load it, unless the model needs something of a newer one.

    Args:
        model: the model.
        folder: the version folder.

    Returns:
        An entry for the card. It has ``file`` and either ``modules``, the modules of kerasnets
        that define layers of the model, or ``needs``, the user's classes and functions that
        loading it needs. If Keras cannot save the model, it only has ``left_out``, the reason.
    """
    path = folder / FILE
    optimizer = [(model, "optimizer", None)] if "optimizer" in vars(model) else []
    compiled = [(model, "compiled", False)] if "compiled" in vars(model) else []
    try:
        with silenced("absl"), patched(*optimizer, *compiled):
            model.save(path)
    except (NotImplementedError, TypeError, ValueError) as error:
        # Keras raises these for a layer without get_config, or with a config that it cannot write.
        path.unlink(missing_ok=True)
        return {"left_out": f"Keras cannot write it ({error})"}
    remove_new_arguments(path)
    used = sorted(set(_registered_objects(_config(path))))
    foreign = [
        f"{module}.{name}"
        for module, name in used
        if module.partition(".")[0] not in ("keras", "kerasnets")
    ]
    if foreign:
        return {"file": FILE, "needs": foreign}
    modules = {module for module, _ in used if module.startswith("kerasnets.")}
    return {"file": FILE, "modules": sorted(modules)}


def _config(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(CONFIG))


def _registered_objects(config: Any) -> Iterator[tuple[str, str]]:
    """Module and name of every class and function that Keras finds by its registered name."""
    if isinstance(config, list):
        for value in config:
            yield from _registered_objects(value)
    elif isinstance(config, dict):
        if config.get("registered_name") and "class_name" in config:
            yield str(config.get("module")), str(config["class_name"])
        for value in config.values():
            yield from _registered_objects(value)
